// SPDX-License-Identifier: Apache-2.0
// Draws numbers that are near limits: a few pages, so that ranges meet, and the edges of
// what an argument can hold.
#include "kfuzz/draw.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace kfuzz {
namespace {

const std::uint64_t page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));

// how often each call is drawn
constexpr std::array<int, calls> weights = {
    3,  2,  2, 2,  2,     // open close dup pass take
    2,  1,  4, 1,  3, 2,  // setname getname setsize getsize setmask getmask
    8,  3,  3, 10, 5, 3,  // mmap munmap mprotect store load madvise
    3,  3,  1, 4,         // read pread write lseek
    14, 18, 6, 4,         // pin unpin status purge
    2,  2,  2,            // fileid fdinfo fork
    1,  1,  3, 3,  2, 2}; // limit high reclaim press drop pause

int weighed(std::uint64_t drawn) {
    int call = 0;
    for (auto left = static_cast<int>(drawn); left >= weights[call]; ++call)
        left -= weights[call];
    return call;
}

int total() {
    int sum = 0;
    for (const int weight : weights)
        sum += weight;
    return sum;
}

} // namespace

// mostly whole pages, now and then a byte off
std::uint64_t Draw::bytes(std::uint64_t most_pages) {
    const auto whole = below(most_pages + 1) * page;
    return once_in(16) ? whole + one_of(1, -1, page / 2) : whole;
}

std::uint64_t Draw::size() {
    if (once_in(8))
        return one_of(0, 1, page - 1, page + 1, INT_MAX, 1UL << 31, 1UL << 32, (1UL << 32) + page,
                      (5UL << 30) + 1, ULONG_MAX, ULONG_MAX - page + 1, LONG_MAX, 1UL << 44);
    return once_in(6) ? (1 + below(512)) * page : (4 + below(12)) * page;
}

void Draw::draw_values(Step& step) {
    auto& [a, b, c] = step.values;
    switch (step.call) {
        case Call::setname:
            a = below(6);
            break;
        case Call::getname:
        case Call::fileid:
            a = once_in(6);
            break;
        case Call::setsize:
            a = size();
            break;
        case Call::setmask:
            a = once_in(8) ? one_of(8, -1, 0x10003) : one_of(7, 7, 3, 3, 1, 5, 0);
            break;
        case Call::mmap:
            a = prot() | (once_in(6) ? 8 : 0) | (once_in(8) ? 16 : 0) | (once_in(12) ? 32 : 0);
            b = once_in(10) ? size() : (1 + below(16)) * page;
            c = below(4) | (once_in(5) ? below(20) << 8 : 0);
            break;
        case Call::munmap:
            a = below(4);
            break;
        case Call::mprotect:
            a = below(4), b = prot();
            break;
        case Call::store:
        case Call::load:
            a = below(4), b = below(once_in(6) ? 500 : 12), c = 1 + below(16);
            break;
        case Call::madvise:
            a = below(4);
            b = one_of(MADV_DONTNEED, MADV_WILLNEED, MADV_PAGEOUT, MADV_COLD, MADV_HUGEPAGE);
            break;
        case Call::read:
        case Call::write:
            a = bytes(8);
            break;
        case Call::pread:
            a = bytes(8), b = bytes(20);
            break;
        case Call::lseek:
            a = once_in(8) ? one_of(-1, LONG_MAX, LONG_MIN, 1UL << 32) : bytes(20);
            b = once_in(12) ? 7 : below(5);
            break;
        case Call::pin:
        case Call::unpin:
        case Call::status:
            a = once_in(20) ? one_of(UINT_MAX - page + 1, 1UL << 31, 1)
                            : bytes(once_in(6) ? 300 : 12);
            b = once_in(12) ? one_of(0, UINT_MAX - page + 1, 1UL << 31, 1, UINT_MAX)
                            : page + bytes(once_in(4) ? 300 : 5);
            c = once_in(40);
            break;
        case Call::fork:
            a = 1 + below(6);
            break;
        case Call::limit:
        case Call::high:
            a = one_of(0, 4, 6, 8, 16, 32);
            break;
        case Call::reclaim:
            a = 1 + below(16);
            break;
        case Call::press:
            a = 1 + below(once_in(4) ? 6000 : 800);
            break;
        case Call::pause:
            a = below(3000);
            break;
        default:
            break;
    }
}

Step Draw::step(int actor) {
    Step step{actor, static_cast<Call>(weighed(below(total()))), 0, {}};
    step.region = static_cast<int>(below(most_regions));
    draw_values(step);
    return step;
}

// A region that has a size and is mapped, with data.
void Draw::furnish(Program& program, int actor, int region) {
    const auto pages = 8 + below(8);
    const auto map = static_cast<std::uint64_t>(region);
    program.push_back({actor, Call::setsize, region, {pages * page, 0, 0}});
    program.push_back({actor, Call::mmap, region, {PROT_READ | PROT_WRITE, pages * page, map}});
    program.push_back({actor, Call::store, region, {map, 0, pages}});
}

Program Draw::fresh() {
    Program program;
    const auto actors = 1 + below(most_actors);
    for (std::uint64_t i = 0; i < actors; ++i)
        furnish(program, static_cast<int>(i), once_in(3) ? 0 : 1 + static_cast<int>(below(2)));
    const auto steps = std::min(most_steps, program.size() + 4 + below(28));
    while (program.size() < steps)
        program.push_back(step(static_cast<int>(below(actors))));
    return program;
}

// One number of a step, or whose it is.
void Draw::change(Step& step) {
    const auto number = below(step.values.size());
    switch (below(6)) {
        case 0:
            step.actor = static_cast<int>(below(most_actors));
            break;
        case 1:
            step.region = static_cast<int>(below(most_regions));
            break;
        case 2:
            step.values[number] += one_of(1, -1, page, -page);
            break;
        case 3:
            step.values[number] ^= 1UL << below(33);
            break;
        default:
            draw_values(step);
            break;
    }
}

void Draw::mutate(Program& program, const std::vector<Program>& from) {
    const auto at = program.empty() ? 0 : below(program.size());
    const auto place = program.begin() + static_cast<long>(at);
    const auto kind = below(10);
    if (program.empty() || kind < 3) {
        program.insert(place, step(static_cast<int>(below(most_actors))));
    } else if (kind < 6) {
        change(*place);
    } else if (kind == 6) {
        program.erase(place);
    } else if (kind == 7) {
        std::swap(*place, program[below(program.size())]);
    } else if (kind == 8) {
        const Step again = *place;
        program.insert(place, 1 + below(4), again);
    } else {
        const Program& other = from[below(from.size())];
        const auto first = other.begin() + static_cast<long>(below(other.size() + 1));
        program.insert(place, first, other.end());
    }
    if (program.size() > most_steps) program.resize(most_steps);
}

Program Draw::mutant(const std::vector<Program>& from) {
    if (from.empty() || once_in(8)) return fresh();
    // what was found last leads further more often
    const auto newest = from.size() - 1 - below(std::min<std::size_t>(from.size(), 16));
    Program program = from[once_in(2) ? newest : below(from.size())];
    for (auto left = 1 + below(5); left > 0; --left)
        mutate(program, from);
    return program;
}

} // namespace kfuzz

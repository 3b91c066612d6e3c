// SPDX-License-Identifier: Apache-2.0
// Starts the processes, which want three times what their place has.
#include "crew.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace endurance {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// two in a group with a swap, two in one without, two outside
constexpr std::size_t in_each_place = 2;

void* shared_memory(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return memory;
}

// Touches memory that is not the driver's, page by page, and gives it back, so that reclaim
// of all kinds is under way.
void touch_and_leave(std::size_t bytes, Progress& progress) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        ++progress.refused;
        return;
    }
    for (std::size_t at = 0; at < bytes; at += test::page_size(), ++progress.steps)
        static_cast<volatile std::size_t*>(memory)[at / sizeof(std::size_t)] = at * 0x9e3779b9;
    munmap(memory, bytes);
}

} // namespace

Crew::Crew()
    : shared_(*new (shared_memory(sizeof(Shared))) Shared{}),
      kills_before_(test::vmstat("oom_kill")) {
    const std::uint64_t machine = test::meminfo("MemAvailable");
    const std::uint64_t part = machine / 5;
    const std::array<Place, 3> places{{{"a group without swap", part, true, false},
                                       {"a group with swap", part, true, true},
                                       {"the machine", machine, false, true}}};
    for (const Place& place : places)
        for (std::size_t i = 0; i < in_each_place; ++i)
            // of what is pinned, the processes of a place hold a quarter of it together
            start(place, place.limit * 3 / in_each_place,
                  place.limited ? place.limit / 4 / in_each_place / Pieces::piece_bytes
                                : part / 4 / in_each_place / Pieces::piece_bytes);
    start_hog();
}

Crew::~Crew() {
    members_.clear(); // a group is removed when nobody is in it
    groups_.clear();
    munmap(&shared_, sizeof(Shared));
}

void Crew::start(const Place& place, std::size_t bytes, std::size_t pinned) {
    const std::size_t number = members_.size();
    const bool first = members_.empty() || members_.back().place.name != place.name;
    if (place.limited && first) {
        groups_.emplace_back("endurance-" + std::to_string(number));
        groups_.back().set("memory.max", place.limit);
        if (!place.swaps && groups_.back().has("memory.swap.max"))
            groups_.back().set("memory.swap.max", "0");
    }
    const test::Cgroup* group = place.limited ? &groups_.back() : nullptr;
    Progress& progress = shared_.progress[number];
    const auto work = [this, &progress, group, bytes, pinned, number] {
        if (group) group->join();
        Pieces pieces(bytes, std::max<std::size_t>(pinned, 2), static_cast<std::uint32_t>(number),
                      progress);
        while (!shared_.stop)
            pieces.turn();
        return 0;
    };
    members_.emplace_back(place, number, work);
}

void Crew::start_hog() {
    const std::uint64_t bytes = test::meminfo("MemAvailable") / 4;
    Progress& progress = shared_.progress[members_.size()];
    const auto work = [this, &progress, bytes] {
        while (!shared_.stop)
            touch_and_leave(bytes, progress);
        return 0;
    };
    members_.emplace_back(Place{"memory of another kind", bytes, false, true}, members_.size(),
                          work);
}

void Crew::look() {
    for (Member& member : members_) {
        const std::uint64_t steps = shared_.progress[member.number].steps;
        member.rest = steps == member.steps ? member.rest + 1 : 0;
        member.steps = steps;
        if (member.rest <= longest_rest_) continue;
        longest_rest_ = member.rest;
        rester_ = "process " + std::to_string(member.number) + " in " + member.place.name;
    }
}

void Crew::work(int seconds) {
    for (int looks = 0; looks < 10 * seconds; ++looks) {
        usleep(100'000);
        look();
    }
    for (Member& member : members_)
        ended_ += member.process.running() ? 0 : 1;
    shared_.stop = true;
    for (Member& member : members_)
        ended_ += member.process.wait() == 0 ? 0 : 1;
}

Crew::Sum Crew::sum() const {
    Sum sum;
    for (const Progress& each : shared_.progress) {
        sum.steps += each.steps;
        sum.unpinned += each.unpinned;
        sum.purged += each.purged;
        sum.kept += each.kept;
        sum.lost += each.lost;
        sum.refused += each.refused;
    }
    return sum;
}

std::string Crew::idle_place() const {
    for (const Member& member : members_) {
        const Progress& progress = shared_.progress[member.number];
        if (progress.unpinned == 0) continue; // uses memory of another kind
        if (progress.purged == 0 || progress.kept == 0) return member.place.name;
    }
    return "";
}

std::uint64_t Crew::killed() const {
    return test::vmstat("oom_kill") - kills_before_;
}

} // namespace endurance

// SPDX-License-Identifier: Apache-2.0
// Prints each program before it runs, as "run N: PROGRAM", so that the log of a guest that
// dies ends with the program that killed it. "keep: PROGRAM" is one that reached new code.
#include "kfuzz/fuzzer.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "kfuzz/draw.hpp"

namespace kfuzz {
namespace {

Places without(const Places& places, const Places& others) {
    Places rest;
    std::ranges::set_difference(places, others, std::inserter(rest, rest.end()));
    return rest;
}

} // namespace

bool Fuzzer::attempt(const Program& program, Places& reached) {
    std::cout << "run " + std::to_string(++count_) + ": " + to_text(program) + "\n" << std::flush;
    Outcome outcome = runner_.run(program);
    if (outcome.complaint.empty()) outcome.complaint = log_.report();
    reached = std::move(outcome.places);
    if (outcome.complaint.empty()) return true;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_);
    std::cout << "# program " + std::to_string(count_) + ", after " +
                     std::to_string(seconds.count()) + " s: " + outcome.complaint + "\n"
              << std::flush;
    return false;
}

// Takes out the steps that are not needed to reach some places.
bool Fuzzer::minimize(Program& program, Places& reached, const Places& needed) {
    for (auto i = program.size(); i-- > 0;) {
        Program shorter = program;
        shorter.erase(shorter.begin() + static_cast<long>(i));
        Places places;
        if (!attempt(shorter, places)) return false;
        if (!std::ranges::includes(places, needed)) continue;
        program = std::move(shorter);
        reached = std::move(places);
    }
    return true;
}

bool Fuzzer::attempt_and_keep(const Program& program, bool is_minimal) {
    Places reached;
    if (!attempt(program, reached)) return false;
    const Places found = without(reached, places_);
    if (found.empty()) return true;
    Kept kept{program, std::move(reached)};
    const bool well = is_minimal || minimize(kept.program, kept.places, found);
    places_.insert(kept.places.begin(), kept.places.end());
    std::cout << "keep: " + to_text(kept.program) + "\n" << std::flush;
    programs_.push_back(kept.program);
    kept_.push_back(std::move(kept));
    return well;
}

void Fuzzer::report() {
    const auto now = Clock::now();
    if (now - reported_ < std::chrono::seconds(15)) return;
    reported_ = now;
    std::cout << "# " + summary() + "\n" << std::flush;
}

bool Fuzzer::fuzz(std::uint64_t seed, std::chrono::seconds time,
                  const std::vector<Program>& first) {
    const auto end = Clock::now() + time;
    for (const Program& program : first)
        if (!attempt_and_keep(program, true)) return false;
    for (; Clock::now() < end; ++seed) {
        if (!attempt_and_keep(Draw(seed).mutant(programs_), false)) return false;
        report();
    }
    return true;
}

bool Fuzzer::play(const std::vector<Program>& programs, int times) {
    for (int i = 0; i < times; ++i)
        for (const Program& program : programs) {
            Places reached;
            if (!attempt(program, reached)) return false;
            places_.insert(reached.begin(), reached.end());
        }
    return !programs.empty();
}

// Takes the program that adds most, again and again.
std::vector<Program> Fuzzer::cover() const {
    std::vector<Program> chosen;
    std::vector<Kept> left = kept_;
    while (!left.empty()) {
        const auto best =
            std::ranges::max_element(left, {}, [](const Kept& kept) { return kept.places.size(); });
        if (best->places.empty()) break;
        chosen.push_back(best->program);
        const Places covered = best->places;
        for (Kept& kept : left)
            kept.places = without(kept.places, covered);
    }
    return chosen;
}

std::string Fuzzer::summary() const {
    return std::to_string(count_) + " programs, " + std::to_string(places_.size()) +
           " PCs covered, " + std::to_string(kept_.size()) + " programs kept";
}

} // namespace kfuzz

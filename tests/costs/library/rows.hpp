// SPDX-License-Identifier: Apache-2.0
// What the library's calls take beside raw ones, in nanoseconds: each takes turns with
// what it is compared with, and of many turns the quickest counts, which other programs
// disturbed least.
#pragma once

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <limits>

#include "costs/measure.hpp"

namespace costs::library {

inline constexpr int turns = 60;
inline constexpr double turn = 500'000; // nanoseconds, about

// as many rounds as make a turn
template <typename Work>
Pace pace_of(Work& work) {
    const double once = batch({1, 10, 20}, work);
    return {turns, 1, static_cast<int>(std::clamp(turn / (once + 1), 10.0, 100'000.0))};
}

inline constexpr double no_target = 0;

// a line for scripts/costs-library
inline void print(const char* what, double ours, double raw, double most) {
    std::cout << what << '\t' << std::fixed << std::setprecision(1) << ours << '\t' << raw << '\t'
              << std::setprecision(2) << most << std::endl;
}

template <typename Ours, typename Raw>
void row(const char* what, double most, Ours ours, Raw raw) {
    const Pace our_pace = pace_of(ours), raw_pace = pace_of(raw);
    Pair least{std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
    for (int i = 0; i < turns; ++i) {
        least.ours = std::min(least.ours, batch(our_pace, ours));
        least.peer = std::min(least.peer, batch(raw_pace, raw));
    }
    print(what, least.ours, least.peer, most);
}

// what is compared with another run of this program
template <typename Work>
void call(const char* what, Work work) {
    const Pace pace = pace_of(work);
    double least = std::numeric_limits<double>::max();
    for (int i = 0; i < turns / 4; ++i)
        least = std::min(least, batch(pace, work));
    print(what, least, 0, no_target);
}

// the compiler believes that it is used
inline void use(const void* bytes) {
    asm volatile("" : : "r"(bytes) : "memory");
}

void ask_regions(); // regions.cpp
void ask_bytes();   // bytes.cpp
void ask_calls();   // calls.cpp

} // namespace costs::library

// SPDX-License-Identifier: Apache-2.0
// What work takes, by a clock that counts instructions: CLOCK_MONOTONIC in a guest
// that runs with one instruction a nanosecond.
//
// A batch has enough rounds to include the cost of memory that is freed later. Rounds that
// are not counted come first and leave as much behind. The median of several batches is
// taken, since the timer hits one in a few.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace costs {

inline std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// a call's answer as the kernel gives it, -1 with errno
inline long must(long answer, const char* what) {
    if (answer < 0) throw std::system_error(errno, std::generic_category(), what);
    return answer;
}

struct Pace {
    int batches;
    int warm;
    int rounds;
};

// calls that take a few thousand instructions: most batches end between two ticks
inline constexpr Pace calls{15, 50, 400};
// descriptors and maps: the kernel gives back their memory some ticks later
inline constexpr Pace lives{7, 300, 1000};
// descriptors alone, which are short
inline constexpr Pace opens{7, 1000, 4000};
// where the work that comes late is much of all
inline constexpr Pace short_lives{13, 300, 1000};
// with what is mapped touched
inline constexpr Pace touched_lives{7, 64, 128};

// Two ways to do the same, of which the second may be missing.
struct Pair {
    double ours;
    double peer;
};

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

template <typename Work>
double batch(const Pace& pace, Work& work) {
    for (int i = 0; i < pace.warm; ++i)
        work();
    const std::int64_t start = now();
    for (int i = 0; i < pace.rounds; ++i)
        work();
    return static_cast<double>(now() - start) / pace.rounds;
}

template <typename Work>
double cost(const Pace& pace, Work work) {
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(pace.batches));
    for (int i = 0; i < pace.batches; ++i)
        all.push_back(batch(pace, work));
    return median(all);
}

// They take turns, so that what changes meanwhile changes for both.
template <typename Ours, typename Peer>
Pair compare(const Pace& pace, Ours ours, Peer peer) {
    std::vector<double> all_ours, all_peers;
    for (int i = 0; i < pace.batches; ++i) {
        all_ours.push_back(batch(pace, ours));
        all_peers.push_back(batch(pace, peer));
    }
    return {median(all_ours), median(all_peers)};
}

// what one call of work takes
template <typename Work>
double once(Work&& work) {
    const std::int64_t start = now();
    work();
    return static_cast<double>(now() - start);
}

} // namespace costs

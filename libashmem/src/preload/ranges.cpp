// SPDX-License-Identifier: Apache-2.0
// The unpinned ranges of an emulated region, which its memfd holds.
#include "ranges.hpp"

#include <linux/ashmem.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace ashmem::preload {
namespace {

constexpr std::uint64_t max_unpin_seq = (std::uint64_t{1} << 63) - 1;

/**
 * How many ranges there are. Read once by each function: another process may write there,
 * and must not make this one reach beyond the array.
 */
std::uint32_t count_of(const State& state) noexcept {
    return std::min(__atomic_load_n(&state.count, __ATOMIC_RELAXED), max_ranges);
}

template <class S>
auto all(S& state) noexcept {
    return std::span(state.ranges).first(count_of(state));
}

/** The ranges that have any of these pages: the first one's place, and how many follow. */
struct Overlap {
    std::uint32_t at;
    std::uint32_t count;
};

Overlap overlap(std::span<const Range> ranges, std::uint64_t first, std::uint64_t last) noexcept {
    const auto found = std::ranges::lower_bound(ranges, first, {}, &Range::last);
    const auto at = static_cast<std::uint32_t>(found - ranges.begin());
    std::uint32_t end = at;
    while (end < ranges.size() && ranges[end].first <= last)
        ++end;
    return {at, end - at};
}

/** Put some ranges in the place of others, of `total`, and say how many there are then. */
std::uint32_t replace(State& state, std::uint32_t total, Overlap place,
                      std::span<const Range> ranges) noexcept {
    Range* const begin = state.ranges + place.at;
    Range* const rest = begin + place.count;
    Range* const end = state.ranges + total;
    if (ranges.size() > place.count)
        std::copy_backward(rest, end, end + (ranges.size() - place.count));
    else
        std::copy(rest, end, begin + ranges.size());
    std::ranges::copy(ranges, begin);
    state.count = total - place.count + static_cast<std::uint32_t>(ranges.size());
    return state.count;
}

bool touch(const Range& below, const Range& above) noexcept {
    return below.last + 1 == above.first;
}

/** Purged ranges that touch are one. */
void join_purged(State& state, std::uint32_t total, std::uint32_t at) noexcept {
    const auto join = [&](std::uint32_t lower) {
        if (lower + 1 >= total) return;
        const Range a = state.ranges[lower], b = state.ranges[lower + 1];
        if (a.purged == 0 || b.purged == 0 || !touch(a, b)) return;
        const Range both{a.first, b.last, 0, 1};
        total = replace(state, total, {lower, 2}, {&both, 1});
    };
    join(at);
    if (at > 0) join(at - 1);
}

} // namespace

bool any_unpinned(const State& state, std::uint64_t first, std::uint64_t last) noexcept {
    return overlap(all(state), first, last).count != 0;
}

int unpin(State& state, std::uint64_t first, std::uint64_t last) noexcept {
    const auto ranges = all(state);
    const auto total = static_cast<std::uint32_t>(ranges.size());
    const Overlap place = overlap(ranges, first, last);
    Range merged{first, last, 0, 0};
    for (const Range& range : ranges.subspan(place.at, place.count)) {
        // it keeps its unpin_seq
        if (range.first <= first && last <= range.last) return 0;
        merged.first = std::min(merged.first, range.first);
        merged.last = std::max(merged.last, range.last);
        if (range.purged != 0) merged.purged = 1;
    }
    // what was unpinned right before, just below, goes on
    if (place.count == 0 && place.at > 0) {
        Range& below = ranges[place.at - 1];
        if (below.purged == 0 && below.unpin_seq == state.clock && touch(below, merged)) {
            below.last = last;
            return 0;
        }
    }
    if (place.count == 0 && total == max_ranges) return ENOMEM;
    merged.unpin_seq = ++state.clock & max_unpin_seq;
    const std::uint32_t now = replace(state, total, place, {&merged, 1});
    if (merged.purged != 0) join_purged(state, now, place.at);
    return 0;
}

int pin(State& state, std::uint64_t first, std::uint64_t last) noexcept {
    const auto ranges = all(state);
    const auto total = static_cast<std::uint32_t>(ranges.size());
    const Overlap place = overlap(ranges, first, last);
    if (place.count == 0) return ASHMEM_NOT_PURGED;
    bool purged = false;
    for (const Range& range : ranges.subspan(place.at, place.count))
        purged = purged || range.purged != 0;

    Range kept[2];
    std::uint32_t keep = 0;
    if (const Range& lowest = ranges[place.at]; lowest.first < first) {
        kept[keep] = lowest;
        kept[keep++].last = first - 1;
    }
    if (const Range& highest = ranges[place.at + place.count - 1]; highest.last > last) {
        kept[keep] = highest;
        kept[keep++].first = last + 1;
    }
    if (total - place.count + keep > max_ranges) return -ENOMEM;
    replace(state, total, place, {kept, keep});
    return purged ? ASHMEM_WAS_PURGED : ASHMEM_NOT_PURGED;
}

std::uint32_t not_purged(const State& state, std::span<Place, max_ranges> places) noexcept {
    std::uint32_t count = 0;
    const auto ranges = all(state);
    for (std::uint32_t at = 0; at < ranges.size(); ++at)
        if (ranges[at].purged == 0) places[count++] = {ranges[at].unpin_seq, at};
    // by copies: an order that changes meanwhile would lead the sort astray
    std::ranges::sort(places.first(count), {}, &Place::unpin_seq);
    return count;
}

std::uint64_t purgeable(const State& state) noexcept {
    std::uint64_t pages = 0;
    for (const Range& range : all(state))
        if (range.purged == 0) pages += range.last - range.first + 1;
    return pages;
}

} // namespace ashmem::preload

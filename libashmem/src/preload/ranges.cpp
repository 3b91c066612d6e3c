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

template <class S>
auto all(S& state) noexcept {
    return std::span(state.ranges).first(state.count);
}

/** The first range that ends at or after a page. */
template <class S>
std::uint32_t from(S& state, std::uint64_t page) noexcept {
    const auto ranges = all(state);
    const auto found = std::ranges::lower_bound(ranges, page, {}, &Range::last);
    return static_cast<std::uint32_t>(found - ranges.begin());
}

/** How many ranges, from one on, have pages up to this one. */
std::uint32_t overlapping(const State& state, std::uint32_t at, std::uint64_t last) noexcept {
    std::uint32_t count = 0;
    while (at + count < state.count && state.ranges[at + count].first <= last)
        ++count;
    return count;
}

/** Put one range in the place of `count`, which may be none. */
void replace(State& state, std::uint32_t at, std::uint32_t count, const Range& range) noexcept {
    Range* const place = state.ranges + at;
    if (count == 0)
        std::copy_backward(place, state.ranges + state.count, state.ranges + state.count + 1);
    else
        std::copy(place + count, state.ranges + state.count, place + 1);
    *place = range;
    state.count = state.count + 1 - count;
}

bool touch(const Range& below, const Range& above) noexcept {
    return below.last + 1 == above.first;
}

/** Purged ranges that touch are one. */
void join_purged(State& state, std::uint32_t at) noexcept {
    const auto both = [&](std::uint32_t lower) {
        const Range &a = state.ranges[lower], &b = state.ranges[lower + 1];
        return a.purged != 0 && b.purged != 0 && touch(a, b);
    };
    if (at + 1 < state.count && both(at))
        replace(state, at, 2, {state.ranges[at].first, state.ranges[at + 1].last, 0, 1});
    if (at > 0 && both(at - 1))
        replace(state, at - 1, 2, {state.ranges[at - 1].first, state.ranges[at].last, 0, 1});
}

} // namespace

bool any_unpinned(const State& state, std::uint64_t first, std::uint64_t last) noexcept {
    return overlapping(state, from(state, first), last) != 0;
}

int unpin(State& state, std::uint64_t first, std::uint64_t last) noexcept {
    const std::uint32_t at = from(state, first);
    const std::uint32_t count = overlapping(state, at, last);
    Range merged{first, last, 0, 0};
    for (std::uint32_t i = at; i < at + count; ++i) {
        const Range& range = state.ranges[i];
        // it keeps its unpin_seq
        if (range.first <= first && last <= range.last) return 0;
        merged.first = std::min(merged.first, range.first);
        merged.last = std::max(merged.last, range.last);
        if (range.purged != 0) merged.purged = 1;
    }
    // what was unpinned right before, just below, goes on
    if (count == 0 && at > 0) {
        Range& below = state.ranges[at - 1];
        if (below.purged == 0 && below.unpin_seq == state.clock && touch(below, merged)) {
            below.last = last;
            return 0;
        }
    }
    if (count == 0 && state.count == max_ranges) return ENOMEM;
    merged.unpin_seq = ++state.clock & max_unpin_seq;
    replace(state, at, count, merged);
    if (merged.purged != 0) join_purged(state, at);
    return 0;
}

int pin(State& state, std::uint64_t first, std::uint64_t last) noexcept {
    const std::uint32_t at = from(state, first);
    const std::uint32_t count = overlapping(state, at, last);
    if (count == 0) return ASHMEM_NOT_PURGED;
    bool purged = false;
    Range kept[2];
    std::uint32_t keep = 0;
    for (std::uint32_t i = at; i < at + count; ++i) {
        const Range& range = state.ranges[i];
        purged = purged || range.purged != 0;
        if (range.first < first) {
            kept[keep] = range;
            kept[keep++].last = first - 1;
        }
        if (range.last > last) {
            kept[keep] = range;
            kept[keep++].first = last + 1;
        }
    }
    if (state.count - count + keep > max_ranges) return -ENOMEM;
    Range* const place = state.ranges + at;
    Range* const end = state.ranges + state.count;
    if (keep > count)
        std::copy_backward(place + count, end, end + (keep - count));
    else
        std::copy(place + count, end, place + keep);
    std::copy_n(kept, keep, place);
    state.count = state.count - count + keep;
    return purged ? ASHMEM_WAS_PURGED : ASHMEM_NOT_PURGED;
}

Range* oldest(State& state) noexcept {
    Range* found = nullptr;
    for (Range& range : all(state))
        if (range.purged == 0 && (found == nullptr || range.unpin_seq < found->unpin_seq))
            found = &range;
    return found;
}

std::uint64_t purgeable(const State& state) noexcept {
    std::uint64_t pages = 0;
    for (const Range& range : all(state))
        if (range.purged == 0) pages += range.last - range.first + 1;
    return pages;
}

} // namespace ashmem::preload

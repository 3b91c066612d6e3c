// SPDX-License-Identifier: Apache-2.0
// Tracks the regions of a program, to know which calls the drivers answer differently.
#include "differences.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace differential {
namespace {

constexpr std::int64_t four_gib = std::int64_t{1} << 32;

std::int64_t page_size() {
    static const std::int64_t size = sysconf(_SC_PAGESIZE);
    return size;
}

} // namespace

std::int64_t Region::end() const {
    const auto page = static_cast<std::uint64_t>(page_size());
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(size_) + page - 1) / page * page);
}

std::pair<std::int64_t, std::int64_t> Region::pages(const Step& step) const {
    const std::int64_t offset = step.arguments[1], length = step.arguments[2];
    return {offset / page_size(), (length ? offset + length : end()) / page_size() - 1};
}

void Region::unpinned(std::int64_t first, std::int64_t last) {
    for (const Range& range : ranges_)
        if (range.first <= first && range.last >= last) return;
    Range merged{first, last, false};
    for (auto range = ranges_.begin(); range != ranges_.end();) {
        if (!range->meets(first, last)) {
            ++range;
            continue;
        }
        merged.first = std::min(merged.first, range->first);
        merged.last = std::max(merged.last, range->last);
        merged.purged |= range->purged;
        range = ranges_.erase(range);
    }
    ranges_.push_back(merged);
}

void Region::pinned(std::int64_t first, std::int64_t last) {
    for (auto range = ranges_.begin(); range != ranges_.end();) {
        if (!range->meets(first, last)) {
            ++range;
            continue;
        }
        const Range old = *range;
        range = ranges_.erase(range);
        if (old.first < first) ranges_.push_front({old.first, first - 1, old.purged});
        if (old.last > last) ranges_.push_front({last + 1, old.last, old.purged});
    }
}

void Region::purged() {
    for (Range& range : ranges_)
        range.purged = true;
}

// Ours may have joined ranges that touch, and then merges all of them with what
// was purged, where the original merges only the one that is met.
bool Region::merges_joined(std::int64_t first, std::int64_t last) const {
    const auto meets = [&](const Range& range) { return range.meets(first, last); };
    if (std::ranges::none_of(ranges_,
                             [&](const Range& range) { return range.purged && meets(range); }))
        return false;
    return std::ranges::any_of(ranges_, [&](const Range& met) {
        return !met.purged && meets(met) && std::ranges::any_of(ranges_, [&](const Range& other) {
            return !other.purged && !meets(other) &&
                   (other.last + 1 == met.first || met.last + 1 == other.first);
        });
    });
}

const char* Region::difference(const Step& step) const {
    if (step.call != Call::unpin && step.call != Call::pin && step.call != Call::status)
        return nullptr;
    if (!mapped_) return nullptr;
    const std::int64_t offset = step.arguments[1], length = step.arguments[2];
    if (end() >= four_gib && length == 0) return "regions of 4 GiB and more, length 0";
    if (offset + length == four_gib) return "the last page below 4 GiB by offset and length";
    if (step.call != Call::unpin) return nullptr;
    if (length == 0 && offset == end()) return "UNPIN at the very end with length 0";
    if (!(mask_ & PROT_WRITE)) return "UNPIN when the mask lacks WRITE";
    const auto [first, last] = pages(step);
    if (merges_joined(first, last)) return "`WAS_PURGED` after UNPIN overlaps a joined range";
    return nullptr;
}

} // namespace differential

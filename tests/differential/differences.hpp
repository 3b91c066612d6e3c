// SPDX-License-Identifier: Apache-2.0
// The state of a program's regions, and the calls that the original driver and ours are
// known to answer differently.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "step.hpp"

namespace differential {

// A region as the original keeps it, in pages.
class Region {
public:
    void resized(std::int64_t size) { size_ = size; }
    void mapped() { mapped_ = true; }
    void masked(std::int64_t mask) { mask_ = mask; }
    void unpinned(std::int64_t first, std::int64_t last);
    void pinned(std::int64_t first, std::int64_t last);
    void purged();

    // the first row of Documentation/differences.md that a step is about, or null
    [[nodiscard]] const char* difference(const Step& step) const;
    // first and last page of a pin call's range
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> pages(const Step& step) const;

private:
    struct Range {
        std::int64_t first, last;
        bool purged;
        [[nodiscard]] bool meets(std::int64_t from, std::int64_t to) const {
            return first <= to && last >= from;
        }
    };

    [[nodiscard]] std::int64_t end() const;
    [[nodiscard]] bool merges_joined(std::int64_t first, std::int64_t last) const;

    std::int64_t size_ = 0;
    std::int64_t mask_ = 7;
    bool mapped_ = false;
    std::list<Range> ranges_;
};

} // namespace differential

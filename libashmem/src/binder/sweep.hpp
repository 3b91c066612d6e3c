// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * When to look for what has ended in a map of things that others own.
 */
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>

namespace ashmem::binder {

/**
 * Forgets what has ended, once a map has twice as many elements as the last time left. A
 * new element thus costs the same however many there are, and at most as many elements
 * that have ended are kept as there are others. No destructor of theirs takes part, so
 * they may end where a lock cannot be taken, as in a child of fork().
 */
class Sweep {
public:
    /** Before an element is added. `ended` tells of one whether it may be forgotten. */
    template <class Map, class Ended>
    void operator()(Map& map, Ended ended) {
        if (map.size() < next_) return;
        std::erase_if(map, ended);
        next_ = std::max(least, 2 * map.size());
    }

private:
    static constexpr std::size_t least = 64;
    std::size_t next_ = least;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regions that nobody mapped yet, and so have no inode to be known by.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "regions.hpp"

namespace tool {

/** Tells by kcmp() which descriptors are of the same region: an open file is one. */
class UnmappedRegions {
public:
    /** Processes are added one after another. */
    void add(const Region& found, pid_t pid, int fd);
    [[nodiscard]] std::vector<Region> take() { return std::move(all_); }

private:
    struct Place {
        pid_t pid;
        int fd;
        std::size_t index; ///< in all_
    };
    /** What one region has the same in all processes: few need to be compared. */
    using Likeness = std::tuple<std::string, std::uint64_t, unsigned>;

    std::map<Likeness, std::vector<Place>> known_; ///< each sorted as kcmp() does
    std::vector<Region> all_;
};

} // namespace tool

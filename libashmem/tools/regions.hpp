// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The regions of all processes, as /proc tells of them.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/** A process that has descriptors of a region, or maps it. */
struct Holder {
    pid_t pid = 0;
    std::string command;
    std::vector<int> fds;
    bool maps = false;
};

struct Region {
    std::uint64_t inode = 0; ///< of the backing file; 0 before the first map
    std::string name;
    // What fdinfo has, so unknown if a region is only mapped, in processes that we may read.
    std::optional<std::uint64_t> size;
    std::optional<std::uint64_t> unpinned;
    std::optional<std::uint64_t> purged;
    std::optional<unsigned> mask;
    std::optional<std::uint64_t> resident;
    std::vector<Holder> holders;

    /** The entry of a process, made if it has none; processes are read one after another. */
    Holder& holder(pid_t pid);
};

/** The name in the system that is shown for a region without one. */
inline constexpr char default_name[] = "dev/ashmem";

/** All regions that this user may see. One that nobody mapped yet has no inode; if the user
 * may not compare its descriptors in two processes, each is an entry of its own. */
[[nodiscard]] std::vector<Region> find_regions();

/** The region behind a descriptor, with all its holders. Throws a Failure if there is none. */
[[nodiscard]] Region find_region(pid_t pid, int fd);

} // namespace tool

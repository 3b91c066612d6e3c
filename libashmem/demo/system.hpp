// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What the demo programs ask the system: files, memory, other programs.
 */
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace demo {

/** One line of /proc/self/maps. */
struct MapsLine {
    std::string text;  ///< as printed, without its runs of blanks
    std::string inode; ///< of the mapped file
};

/** The line of /proc/self/maps for the map that starts at `address`. */
[[nodiscard]] MapsLine maps_line(const void* address);

/** Read a whole file with read(). Throws std::system_error. */
[[nodiscard]] std::vector<std::byte> read_file(const std::string& path);

/** The number that follows a word at a line's start in a file; 0 if it is not there. */
[[nodiscard]] std::uint64_t number_after(const char* path, const std::string& key);

/** A number of /proc/meminfo, in bytes; 0 if it is not there. */
[[nodiscard]] std::uint64_t meminfo(const std::string& key);

/** A counter of /proc/vmstat; 0 if it is not there. */
[[nodiscard]] std::uint64_t vmstat(const std::string& key);

/** The program `name` in the directory of the one that runs. */
[[nodiscard]] std::string sibling(const std::string& name);

/**
 * Run a program, which dies with its parent. Its output goes to `output`; it is in the
 * cgroup of this folder from the start, in ours if there is none.
 * Returns its process id. Throws std::system_error.
 */
[[nodiscard]] pid_t start(const std::vector<std::string>& command, int output,
                          const std::string& cgroup = {});

/** A call's outcome: throws std::system_error with `operation` if it is -1. */
int check(int answer, const char* operation);

/** Map a whole region for reading and writing. Throws std::system_error. */
[[nodiscard]] std::span<std::byte> map_region(int fd, std::size_t size);

} // namespace demo

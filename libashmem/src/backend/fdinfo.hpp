// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Numbers that the kernel prints about a descriptor in /proc.
 */
#pragma once

#include <cstdint>

namespace ashmem {

/**
 * Find the line that starts with `key` in a text and read its number.
 *
 * @return false if there is no such line, no number in it, or more than one
 *         such line: a region's name may hold a line break and so forge one
 */
[[nodiscard]] bool find_number(const char* text, const char* key, std::uint64_t& value) noexcept;

/** find_number() on the fdinfo of a descriptor of this thread. Leaves errno as it is. */
[[nodiscard]] bool fdinfo_number(int fd, const char* key, std::uint64_t& value) noexcept;

} // namespace ashmem

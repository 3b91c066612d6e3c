// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which descriptor numbers are known to be no region, so that calls on files that are no region
 * cost next to nothing.
 *
 * Only a no is remembered, and the kernel is asked about every other number, so a number
 * that was closed and given to another file is never taken for a region. Whatever makes a
 * number a region's has to forget the no: open, dup, receiving, and any ioctl of ashmem's.
 */
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ashmem::preload::numbers {

/** Numbers beyond are asked about each time. */
inline constexpr std::size_t limit = std::size_t{1} << 20;

/** Odd: no region. Else unknown; it counts up, so that an outdated answer is recognized. */
extern std::atomic<std::uint8_t> notes[limit];

[[nodiscard]] inline bool is_known_other(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    return number < limit && (notes[number].load(std::memory_order_relaxed) & 1) != 0;
}

/** Anything may be there now. A number that is -1, an error, is left alone. */
void forget(int fd) noexcept;

/** Ask the kernel, and remember a no. Leaves errno as it is. */
[[nodiscard]] bool ask(int fd) noexcept;

} // namespace ashmem::preload::numbers

namespace ashmem::preload {

/** Whether a descriptor is of a region. Leaves errno as it is. */
[[nodiscard]] inline bool is_region(int fd) noexcept {
    return !numbers::is_known_other(fd) && numbers::ask(fd);
}

} // namespace ashmem::preload

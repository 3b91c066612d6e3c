// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The device as plain functions: all that the library knows about /dev/ashmem.
 *
 * Both libraries, C and C++, are thin layers over these. As with system calls,
 * failure is -1 with errno. Nothing here throws or allocates.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashmem::device {

enum class Kind {
    region,  ///< an ashmem region
    foreign, ///< open, and something else
    closed,  ///< not an open descriptor
    unknown, ///< a character device, and no node to compare it with
};

/** Tell what a descriptor is. Leaves errno as it is. */
[[nodiscard]] Kind identify(int fd) noexcept;

/** Tell whether `fd` is a region; if not, errno says EBADF or ENOTTY. */
[[nodiscard]] bool is_region(int fd) noexcept;

/** Make a region; returns its descriptor. */
[[nodiscard]] int create(const char* name, std::size_t size) noexcept;

/** Tell whether the device opens and speaks our protocol. */
[[nodiscard]] bool is_supported() noexcept;

[[nodiscard]] std::int64_t size(int fd) noexcept;
[[nodiscard]] int name(int fd, char* name, std::size_t size) noexcept;
[[nodiscard]] int protection(int fd) noexcept;
[[nodiscard]] int set_protection(int fd, int protection) noexcept;
[[nodiscard]] int pin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int unpin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int pin_status(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int purge_all(int fd) noexcept;

} // namespace ashmem::device

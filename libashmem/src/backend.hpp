// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regions of either kind: the driver's, and memfds where there is no driver.
 *
 * Both libraries, C and C++, are thin layers over these. A descriptor is asked
 * as the driver's first, which costs nothing if it is; only if it is not, it is
 * looked at. As with system calls, failure is -1 with errno. Nothing here throws
 * or allocates.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashmem::backend {

/** Values of ashmem_backend(). */
enum class Backend : int { none = -1, device = 1, memfd = 2 };

/** Tell what keeps a region; if `fd` is none, errno says EBADF or ENOTTY. */
[[nodiscard]] Backend of(int fd) noexcept;

/** Make a region where LIBASHMEM_BACKEND wants it; returns its descriptor. */
[[nodiscard]] int create(const char* name, std::size_t size) noexcept;

[[nodiscard]] std::int64_t size(int fd) noexcept;
[[nodiscard]] int name(int fd, char* name, std::size_t size) noexcept;
[[nodiscard]] int protection(int fd) noexcept;
[[nodiscard]] int set_protection(int fd, int protection) noexcept;
[[nodiscard]] int pin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int unpin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int pin_status(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int purge_all(int fd) noexcept;

} // namespace ashmem::backend

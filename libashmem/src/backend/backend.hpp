// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regions of either kind: the driver's, and memfds where there is no driver.
 *
 * Both libraries, C and C++, are thin layers over these. As with system calls, failure
 * is -1 with errno. Nothing here throws or allocates.
 */
#pragma once

#include <cerrno>
#include <cstddef>

#include "ops.hpp"

namespace ashmem::backend {

/** Values of ashmem_backend(). */
enum class Backend : int { none = -1, device = 1, memfd = 2 };

/** Tell what keeps a region; if `fd` is none, errno says EBADF or ENOTTY. */
[[nodiscard]] Backend of(int fd) noexcept;

/** Make a region where LIBASHMEM_BACKEND wants it; returns its descriptor. */
[[nodiscard]] int create(const char* name, std::size_t size) noexcept;

/**
 * Do something with a region, as in call<&Ops::pin>(fd, offset, length).
 *
 * The descriptor is taken for the driver's first, which costs nothing if it is; only if
 * it is not, it is looked at.
 */
template <auto operation, class... Arguments>
[[nodiscard]] auto call(int fd, Arguments... arguments) noexcept {
    const auto answer = (device_ops.*operation)(fd, arguments...);
    if (answer >= 0 || errno != ENOTTY || !memfd_ops.is_region(fd)) return answer;
    return (memfd_ops.*operation)(fd, arguments...);
}

} // namespace ashmem::backend

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What every library here needs of the system, each once.
 */
#pragma once

#include <unistd.h>

#include <cerrno>
#include <concepts>

namespace ashmem {

/** Close a descriptor while errno is about to be read. */
inline void close_keeping_errno(int fd) noexcept {
    const int error = errno;
    ::close(fd);
    errno = error;
}

/** Up to whole pages; 0 for what is too large for that. */
template <std::unsigned_integral Size>
[[nodiscard]] Size in_pages(Size size) noexcept {
    const Size page = static_cast<Size>(::sysconf(_SC_PAGESIZE));
    return static_cast<Size>(size + page - 1) & ~static_cast<Size>(page - 1);
}

} // namespace ashmem

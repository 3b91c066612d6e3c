// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whether a descriptor is a memfd that nobody can make shorter.
 */
#pragma once

#include <sys/stat.h>

namespace ashmem::backend {

/** The seals of such a memfd; -1 with EBADF or ENOTTY if `fd` is something else. */
[[nodiscard]] int seals_of_region(int fd) noexcept;

/** fstat() of such a memfd; false with EBADF or ENOTTY. One call if it was the last one. */
[[nodiscard]] bool stat_region(int fd, struct stat& status) noexcept;

} // namespace ashmem::backend

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The program's own locks of a region's file, which must leave ours alone: it would wait
 * for itself.
 */
#pragma once

#include <sys/types.h>

namespace ashmem::preload {

/** fcntl() with one of its commands of locks. */
[[nodiscard]] int file_lock(int fd, int command, unsigned long argument) noexcept;

/** lockf() */
[[nodiscard]] int lock_from_position(int fd, int command, off_t length) noexcept;

} // namespace ashmem::preload

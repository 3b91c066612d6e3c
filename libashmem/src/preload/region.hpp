// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What the driver's file operations do, for an emulated region. As with system calls,
 * failure is -1 with errno.
 */
#pragma once

#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace ashmem::preload::region {

[[nodiscard]] int ioctl(int fd, unsigned command, unsigned long argument) noexcept;
[[nodiscard]] void* map(void* at, std::size_t length, int prot, int flags, int fd,
                        off_t offset) noexcept;
/** `offset` null: at the file's position, which it moves. */
[[nodiscard]] ssize_t read(int fd, const iovec* parts, int count, const off_t* offset) noexcept;
[[nodiscard]] off_t seek(int fd, off_t offset, int whence) noexcept;
/** A stream that does these, whose end closes the descriptor; null with errno. */
[[nodiscard]] FILE* stream(int fd, const char* mode) noexcept;

} // namespace ashmem::preload::region

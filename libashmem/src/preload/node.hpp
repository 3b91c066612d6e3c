// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The node /dev/ashmem: whether a path is its, whether there is one, what ours looks like.
 */
#pragma once

#include <sys/stat.h>

namespace ashmem::preload::node {

/** A path that may be null: libc's headers say that none is, and compilers drop checks for it. */
[[nodiscard]] inline const char* maybe_null(const char* path) noexcept {
    asm("" : "+r"(path));
    return path;
}

/** Whether a path is /dev/ashmem, with any number of slashes. */
[[nodiscard]] bool is_at(const char* path) noexcept;

/** Whether the environment lets regions be emulated: always, or where there is no device. */
enum class When { never, without_device, always, invalid };
[[nodiscard]] When emulated() noexcept;

/** Whether to make a path that has no device look as if it had one. */
[[nodiscard]] bool is_ours(const char* path) noexcept;

/** Whether what was opened by that path is the driver's. Leaves errno as it is. */
[[nodiscard]] bool is_driver(int fd) noexcept;

/** What stat() tells of our node, and fstat() of each region. */
void show(struct stat& status) noexcept;
void show(struct statx& status) noexcept;

} // namespace ashmem::preload::node

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tells a process from its parent, whichever way it was forked.
 */
#pragma once

#include <cstdint>
#include <system_error>

namespace ashmem::binder {

/**
 * A number that a child of fork() does not share with any process it descends from, and
 * that costs no system call: it stands in a page that the kernel wipes in the child.
 */
[[nodiscard]] std::uint32_t generation() noexcept;

/** Make that page, once; before this, generation() is 0. Errors: those of mmap(), madvise(). */
void prepare_generation(std::error_code& ec) noexcept;

} // namespace ashmem::binder

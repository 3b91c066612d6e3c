// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Purging: by PURGE_ALL_CACHES, and when memory is short.
 */
#pragma once

#include <cstdint>

#include "lock.hpp"

namespace ashmem::preload {

/**
 * Purge every emulated region in the system that this process may look at: those that
 * any process, in /proc, has a descriptor of.
 *
 * @return the pages that were purgeable before
 */
std::uint64_t purge_system() noexcept;

/** Purge about so many pages of a region, the oldest ranges first; how many it were. */
std::uint64_t purge(Locked& region, std::uint64_t max_pages) noexcept;

/**
 * From now on purge what this process has, the oldest first, when the kernel tells of
 * stalls for want of memory. Does nothing where it does not tell (no PSI, or not to
 * this user).
 */
void watch_pressure() noexcept;

} // namespace ashmem::preload

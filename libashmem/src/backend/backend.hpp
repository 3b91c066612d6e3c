// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regions of either kind: the driver's, and memfds where there is no driver.
 *
 * Both libraries, C and C++, are thin layers over these. As with system calls, failure
 * is -1 with errno. Nothing here throws or allocates.
 */
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "ops.hpp"

namespace ashmem::backend {

/** Values of ashmem_backend(). */
enum class Backend : int { none = -1, device = 1, memfd = 2 };

/** Tell what keeps a region; if `fd` is none, errno says EBADF or ENOTTY. */
[[nodiscard]] Backend of(int fd) noexcept;

/** The same as the operations of what keeps it, or null. */
[[nodiscard]] const Ops* ops_of(int fd) noexcept;

/**
 * Make a region where LIBASHMEM_BACKEND wants it; returns its descriptor.
 *
 * A device that was found absent is not looked for again in the same second.
 *
 * @param ops is set to the operations of what keeps it
 */
[[nodiscard]] int create(const char* name, std::size_t size, const Ops*& ops) noexcept;
[[nodiscard]] int create(const char* name, std::size_t size) noexcept;

/** What kept the last region that was made or asked: a guess, which costs calls if wrong. */
extern std::atomic<const Ops*> likely_ops;

/**
 * Do something with a region, as in call<&Ops::size>(fd).
 *
 * Nothing that is remembered of a number is believed, for it may be another file's by now.
 */
template <auto operation, class... Arguments>
[[nodiscard]] auto call(int fd, Arguments... arguments) noexcept {
    const Ops* const first = likely_ops.load(std::memory_order_relaxed);
    const auto answer = (first->*operation)(fd, arguments...);
    if (answer >= 0 || errno != ENOTTY) return answer;
    const Ops* const second = first == &device_ops ? &memfd_ops : &device_ops;
    const auto other = (second->*operation)(fd, arguments...);
    if (other >= 0) likely_ops.store(second, std::memory_order_relaxed);
    return other;
}

} // namespace ashmem::backend

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Tells a process from its parent, whichever way it was forked. A remembered pid would cost
 * a system call each time, and is no proof: a child in a PID namespace of its own may have
 * its parent's.
 */
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

namespace ashmem::generation {

namespace detail {

using Number = std::atomic<std::uint32_t>;

// A page that the kernel wipes in the child; never unmapped, for threads may ask until the
// program ends.
inline constinit std::atomic<Number*> page{nullptr};

// a child goes on counting where its parent was
inline constinit Number last{0};

[[nodiscard]] inline std::uint32_t begin(Number& here) noexcept {
    std::uint32_t mine = 0;
    const std::uint32_t next = ++last;
    // of several threads that find it wiped, the first is right
    return here.compare_exchange_strong(mine, next) ? next : mine;
}

} // namespace detail

/** Make current() work, once; false with errno of mmap() or madvise(). */
[[nodiscard]] inline bool prepare() noexcept {
    if (detail::page.load(std::memory_order_acquire) != nullptr) return true;
    const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const made =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) return false;
    detail::Number* none = nullptr;
    const bool wiped = ::madvise(made, size, MADV_WIPEONFORK) == 0;
    if (wiped && detail::page.compare_exchange_strong(none, ::new (made) detail::Number(0)))
        return true;
    // or another thread was first
    const int error = errno;
    ::munmap(made, size);
    errno = error;
    return wiped;
}

/**
 * A number that no process shares with one that it descends from; 0 before prepare(). Costs
 * no system call.
 */
[[nodiscard]] inline std::uint32_t current() noexcept {
    detail::Number* const here = detail::page.load(std::memory_order_acquire);
    if (here == nullptr) return 0;
    const std::uint32_t mine = here->load(std::memory_order_relaxed);
    return mine != 0 ? mine : detail::begin(*here);
}

} // namespace ashmem::generation

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Waiting until another process changes a number in shared memory: futex(2), which looks
 * at the lower half of it.
 */
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace ashmem::futex {

using Word = std::atomic<std::uint64_t>;

static_assert(Word::is_always_lock_free && sizeof(Word) == sizeof(std::uint64_t),
              "a lock within the atomic would be each process's own");

// The call that reads the timespec of this build: 32-bit programs may have 64-bit times.
#ifdef SYS_futex_time64
inline constexpr long call = sizeof(timespec::tv_sec) > sizeof(long) ? SYS_futex_time64 : SYS_futex;
#else
inline constexpr long call = SYS_futex;
#endif

[[nodiscard]] inline std::uint32_t* lower_half(Word& word) noexcept {
    return reinterpret_cast<std::uint32_t*>(&word) + (std::endian::native == std::endian::big);
}

/** Wait as long as the word's lower half is that of `seen`. False if the time is over. */
inline bool wait(Word& word, std::uint64_t seen, std::chrono::nanoseconds most) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most);
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds.count());
    time.tv_nsec = static_cast<decltype(time.tv_nsec)>((most - seconds).count());
    return ::syscall(call, lower_half(word), FUTEX_WAIT, static_cast<std::uint32_t>(seen), &time,
                     nullptr, 0) == 0 ||
           errno != ETIMEDOUT;
}

/** Wake one that waits. */
inline void wake(Word& word) noexcept {
    (void)::syscall(call, lower_half(word), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

} // namespace ashmem::futex

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Threads as numbers that may stand in shared memory: who holds a lock, and whether that
 * thread still lives. Such a number is only compared and looked up in /proc, so that
 * whatever a peer writes in its place does no harm.
 */
#pragma once

#include <cstdint>

#include "../generation.hpp"

namespace ashmem::holder {

/** A thread; 0 is none. */
using Token = std::uint64_t;

/** A bit that no thread's number has: somebody waits for the holder. */
inline constexpr Token waiters = Token{1} << 31;

struct Identity {
    Token thread = 0;
    std::uint32_t process = 0; ///< differs in the child of a fork
};

namespace detail {

/** The calling thread, if its `process` is this one; found without a call. */
#ifdef __GLIBC__
[[gnu::tls_model("initial-exec")]]
#endif
extern constinit thread_local Identity known_thread;

[[nodiscard]] std::uint32_t find_out_process() noexcept;
/** What stands for the process while there is no memory to count by: no such count. */
[[nodiscard]] std::uint32_t process_by_pid() noexcept;
[[nodiscard]] Identity find_out_thread() noexcept;

} // namespace detail

/** Identity::process, which alone is of use where another thread ends a lock. */
[[nodiscard]] inline std::uint32_t this_process() noexcept {
    const std::uint32_t process = generation::current();
    return process != 0 ? process : detail::find_out_process();
}

/** Whether this is the process of an Identity, even if it can count by now and could not then. */
[[nodiscard]] inline bool is_this_process(std::uint32_t process) noexcept {
    return process == this_process() || process == detail::process_by_pid();
}

/** The calling thread. Costs no system call but the first time in each thread. */
[[nodiscard]] inline Identity of_this_thread() noexcept {
    const Identity known = detail::known_thread;
    return known.process == this_process() ? known : detail::find_out_thread();
}

/**
 * Tell whether the thread has ended. No for a thread of another PID namespace, which
 * cannot be seen from here. Costs four system calls.
 */
[[nodiscard]] bool is_dead(Token thread) noexcept;

} // namespace ashmem::holder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The lock of an emulated region.
 */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "state.hpp"

namespace ashmem::preload {

/**
 * The byte of a region's file that holders lock, by a description of their own: far from
 * what a program locks itself, which lock.cpp never asks to wait for.
 */
inline constexpr off_t lock_at = std::numeric_limits<off_t>::max();

/**
 * A region's state, locked against all other holders for as long as this lives. The kernel
 * lets go for a holder who is killed. Signals wait while the lock is held, for their handlers
 * may ask for the same lock, and are taken while it is waited for.
 */
class Locked {
public:
    /** How long to wait for another holder. */
    enum class Wait {
        until_free,
        briefly, ///< 100 ms at most: a holder who is stopped must not stop others' purges
    };

    explicit Locked(int fd, Wait wait = Wait::until_free) noexcept;
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked();

    /** False with errno if the state can't be reached: without /proc, or descriptors; EAGAIN
     *  if another holder had it all the while. */
    explicit operator bool() const noexcept { return state_ != nullptr; }
    State* operator->() const noexcept { return state_; }
    State& operator*() const noexcept { return *state_; }
    /** Take the state out of this process's addresses; the lock stays. */
    void leave() noexcept;
    /** Have the state again; false with errno. */
    [[nodiscard]] bool enter() noexcept;
    /** The lock's own descriptor, open for reading and writing whatever the caller's is. */
    [[nodiscard]] int fd() const noexcept { return fd_; }

    /** @{ Copy at most ASHMEM_NAME_LEN bytes as the kernel would: EFAULT, no SIGSEGV. */
    [[nodiscard]] bool copy_in(void* ours, unsigned long theirs, std::size_t size) const noexcept;
    [[nodiscard]] bool copy_out(const void* ours, unsigned long theirs,
                                std::size_t size) const noexcept;
    /** @} */

private:
    [[nodiscard]] bool lock() noexcept;
    [[nodiscard]] bool lock_soon() noexcept;
    [[nodiscard]] bool try_lock() noexcept;

    sigset_t before_;
    int fd_;
    bool locked_ = false;
    State* state_ = nullptr;
};

} // namespace ashmem::preload

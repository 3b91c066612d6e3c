// SPDX-License-Identifier: Apache-2.0
// Remembers which descriptor numbers are no regions.
#include "numbers.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state.hpp"

namespace ashmem::preload::numbers {

// pages that nobody writes to take no memory
std::atomic<std::uint8_t> notes[limit];

namespace {

/**
 * The process whose numbers these are. A child of vfork() has a table of its own and this
 * memory: its answers must not affect the parent.
 */
std::atomic<pid_t> owner{0};

pid_t self() noexcept {
    return static_cast<pid_t>(::syscall(SYS_getpid));
}

void own() noexcept {
    owner.store(self(), std::memory_order_relaxed);
}

[[gnu::constructor]] void begin() noexcept {
    own();
    ::pthread_atfork(nullptr, nullptr, own);
}

} // namespace

void forget(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (number >= limit) return;
    std::uint8_t now = notes[number].load(std::memory_order_relaxed);
    while (!notes[number].compare_exchange_weak(now, static_cast<std::uint8_t>((now | 1) + 1))) {
    }
}

bool ask(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (number >= limit) return is_emulated(fd);
    std::uint8_t before = notes[number].load();
    if (is_emulated(fd)) return true;
    // unless it was forgotten meanwhile
    if (owner.load(std::memory_order_relaxed) == self())
        notes[number].compare_exchange_strong(before, static_cast<std::uint8_t>(before | 1));
    return false;
}

} // namespace ashmem::preload::numbers

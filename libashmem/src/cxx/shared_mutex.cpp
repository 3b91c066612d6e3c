// SPDX-License-Identifier: Apache-2.0
// SharedMutex: a word of shared memory that names the thread which holds the lock.
//
// There is no pointer in the shared bytes, and nothing in them is followed: a peer that
// writes to them decides who seems to hold the lock, and nothing else.
#include <ashmem/shared_mutex.hpp>

#include <algorithm>
#include <utility>

#include "error.hpp"
#include "futex.hpp"
#include "holder.hpp"

namespace ashmem {
namespace {

using namespace std::chrono_literals;
using Clock = SharedMutex::Clock;

// What kind_ is once there is a lock: no small number, for other data to miss.
constexpr std::uint32_t lock_kind = 0x6c6f636c;

// How long a waiter sleeps before it looks whether the holder lives: first, and then.
constexpr Clock::duration first_look = 1ms, later_look = 50ms;

/** The bytes as a lock that may be there, or null. */
SharedMutex* place(std::span<std::byte> bytes) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if (bytes.size() < sizeof(SharedMutex) || address % alignof(SharedMutex) != 0) return nullptr;
    return reinterpret_cast<SharedMutex*>(bytes.data());
}

constexpr holder::Token without_waiters(holder::Token word) {
    return word & ~holder::waiters;
}

} // namespace

SharedMutex* SharedMutex::create_in(std::span<std::byte> bytes, std::error_code& ec) noexcept {
    SharedMutex* const mutex = place(bytes);
    std::uint32_t expected = 0;
    ec.clear();
    // zeroed bytes are a lock that nobody holds: one step makes it one
    if (mutex == nullptr)
        ec = to_code(EINVAL);
    else if (!mutex->kind_.compare_exchange_strong(expected, lock_kind))
        ec = to_code(EEXIST);
    return ec ? nullptr : mutex;
}

SharedMutex& SharedMutex::create_in(std::span<std::byte> bytes) {
    return *throwing("ashmem::SharedMutex::create_in",
                     [&](auto& ec) { return create_in(bytes, ec); });
}

SharedMutex* SharedMutex::attach_in(std::span<std::byte> bytes, std::error_code& ec) noexcept {
    SharedMutex* const mutex = place(bytes);
    ec.clear();
    if (mutex == nullptr) {
        ec = to_code(EINVAL);
    } else if (const std::uint32_t kind = mutex->kind_.load(); kind != lock_kind) {
        ec = to_code(kind == 0 ? EAGAIN : EPROTO);
    }
    return ec ? nullptr : mutex;
}

SharedMutex& SharedMutex::attach_in(std::span<std::byte> bytes) {
    return *throwing("ashmem::SharedMutex::attach_in",
                     [&](auto& ec) { return attach_in(bytes, ec); });
}

SharedMutex::Lock SharedMutex::held_by(const holder::Identity& self) noexcept {
    return {this, self.thread, self.process, unrecovered_.load(std::memory_order_relaxed) != 0};
}

bool SharedMutex::take_free(holder::Token self, holder::Token& seen) noexcept {
    seen = 0;
    return holder_.compare_exchange_strong(seen, self, std::memory_order_acquire,
                                           std::memory_order_relaxed);
}

SharedMutex::Lock SharedMutex::take(Clock::time_point until, std::error_code& ec) noexcept {
    const holder::Identity self = holder::of_this_thread();
    holder::Token seen = 0;
    ec.clear();
    if (take_free(self.thread, seen)) return held_by(self);
    if (wait_and_take(self.thread, seen, until, ec)) return held_by(self);
    return {};
}

bool SharedMutex::wait_and_take(holder::Token self, holder::Token seen, Clock::time_point until,
                                std::error_code& ec) noexcept {
    // there may be more waiters, so that unlocking must look for them
    holder::Token mine = self;
    auto sleep = first_look;
    // a caller that does not wait looks at once
    for (bool look = until <= Clock::now();; seen = holder_.load()) {
        const holder::Token holder = without_waiters(seen);
        if (holder == self) {
            ec = to_code(EDEADLK);
            return false;
        }
        const bool died = look && holder != 0 && holder::is_dead(holder);
        if (holder == 0 || died) {
            if (!holder_.compare_exchange_strong(seen, mine | (seen & holder::waiters))) continue;
            if (died) unrecovered_ = 1;
            return true;
        }
        const auto now = Clock::now();
        if (now >= until) return false;
        if ((seen & holder::waiters) == 0) {
            if (!holder_.compare_exchange_strong(seen, seen | holder::waiters)) continue;
            seen |= holder::waiters;
        }
        look = !futex::wait(holder_, seen, std::min(sleep, until - now));
        if (look) sleep = later_look;
        mine = self | holder::waiters;
    }
}

SharedMutex::Lock SharedMutex::lock(std::error_code& ec) noexcept {
    return take(Clock::time_point::max(), ec);
}

SharedMutex::Lock SharedMutex::lock() {
    // a free lock needs no error code, which costs a call
    const holder::Identity self = holder::of_this_thread();
    if (holder::Token seen = 0; take_free(self.thread, seen)) return held_by(self);
    return throwing("ashmem::SharedMutex::lock", [&](auto& ec) { return lock(ec); });
}

SharedMutex::Lock SharedMutex::try_lock(std::error_code& ec) noexcept {
    return take(Clock::time_point::min(), ec);
}

SharedMutex::Lock SharedMutex::try_lock() {
    return throwing("ashmem::SharedMutex::try_lock", [&](auto& ec) { return try_lock(ec); });
}

SharedMutex::Lock SharedMutex::try_lock_until(Clock::time_point until,
                                              std::error_code& ec) noexcept {
    return take(until, ec);
}

SharedMutex::Lock SharedMutex::try_lock_until(Clock::time_point until) {
    return throwing("ashmem::SharedMutex::try_lock_until",
                    [&](auto& ec) { return try_lock_until(until, ec); });
}

SharedMutex::Lock SharedMutex::take_over() noexcept {
    const holder::Identity self = holder::of_this_thread();
    const holder::Token before = holder_.exchange(self.thread | holder::waiters);
    if (without_waiters(before) != 0) unrecovered_ = 1;
    return held_by(self);
}

void SharedMutex::unlock(holder::Token thread) noexcept {
    holder::Token seen = thread;
    while (!holder_.compare_exchange_weak(seen, 0, std::memory_order_release,
                                          std::memory_order_relaxed))
        // taken over, or what a peer wrote
        if (without_waiters(seen) != thread) return;
    if ((seen & holder::waiters) != 0) futex::wake(holder_);
}

void SharedMutex::Lock::unlock() noexcept {
    SharedMutex* const mutex = std::exchange(mutex_, nullptr);
    owner_died_ = false;
    // a child's copy of its parent's lock is none
    if (mutex != nullptr && holder::is_this_process(process_)) mutex->unlock(thread_);
}

SharedMutex::Lock::~Lock() {
    unlock();
}

SharedMutex::Lock::Lock(Lock&& other) noexcept
    : mutex_(std::exchange(other.mutex_, nullptr)),
      thread_(other.thread_),
      process_(other.process_),
      owner_died_(std::exchange(other.owner_died_, false)) {}

void SharedMutex::Lock::make_consistent() noexcept {
    if (mutex_ == nullptr || !owner_died_) return;
    mutex_->unrecovered_ = 0;
    owner_died_ = false;
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

namespace ashmem {

namespace holder {
struct Identity;
}

/**
 * A lock that lives in a region, for the threads of all processes that map it,
 * and that survives the death of its holder.
 *
 * One process creates it in zeroed bytes, the others attach to it. If a holder's
 * thread ends, the next one gets the lock, learns it from Lock::owner_died(), repairs
 * the protected data and calls make_consistent(). Until then every holder learns it. A
 * waiter notices a death within 50 ms. It cannot see the death of a thread of another
 * PID namespace: use take_over() there.
 *
 * A process that may write the region may break the lock: it then protects nothing,
 * until the peer stops. It cannot make another process write anywhere but to
 * these bytes. Processes of 32 and of 64 bits may share one.
 *
 * Never copied and never moved: the object is the bytes in the region. There is
 * no destructor to call; it goes with the region.
 *
 * std::lock_guard does not take it: lock() returns a Lock, since the caller has to
 * learn of a death. There is no condition variable; wait for a message of a Channel.
 */
class ASHMEM_API SharedMutex final {
public:
    using Clock = std::chrono::steady_clock;

    /**
     * The lock, held while this object lives; made by lock() and its like.
     *
     * Belongs to the thread that took it, and may end in another one of the process
     * while that thread lives. The copy in a forked child holds nothing. A process that
     * calls exec() while it holds the lock keeps it until it ends.
     */
    class [[nodiscard]] ASHMEM_API Lock final {
    public:
        /** Holds nothing. */
        Lock() noexcept = default;
        ~Lock();
        Lock(Lock&& other) noexcept;
        Lock& operator=(Lock&&) = delete;
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

        /** Tell whether the lock is held. */
        [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }
        /** Tell whether a holder died, and nobody has recovered since. */
        [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }
        /** Say that what the lock protects is whole again. */
        void make_consistent() noexcept;
        /** Let go of the lock now. */
        void unlock() noexcept;

    private:
        friend class SharedMutex;
        Lock(SharedMutex* mutex, std::uint64_t thread, std::uint32_t process,
             bool owner_died) noexcept
            : mutex_(mutex), thread_(thread), process_(process), owner_died_(owner_died) {}
        SharedMutex* mutex_ = nullptr;
        std::uint64_t thread_ = 0;
        std::uint32_t process_ = 0;
        bool owner_died_ = false;
    };

    SharedMutex(const SharedMutex&) = delete;
    SharedMutex& operator=(const SharedMutex&) = delete;

    /**
     * @{ Make a lock in shared bytes that are zero.
     *
     * @param bytes at least sizeof(SharedMutex), mapped for writing, aligned as it
     *        is; further bytes are not touched
     *
     * Errors: EINVAL if they are too few or not aligned; EEXIST if there is a lock.
     */
    static SharedMutex& create_in(std::span<std::byte> bytes);
    static SharedMutex* create_in(std::span<std::byte> bytes, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Use the lock that another process made there.
     *
     * Errors: EINVAL as above; EAGAIN if there is none yet; EPROTO if there is
     * something else, or a lock of another form.
     */
    static SharedMutex& attach_in(std::span<std::byte> bytes);
    static SharedMutex* attach_in(std::span<std::byte> bytes, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Wait for the lock.
     *
     * Errors: EDEADLK if this thread holds it.
     */
    Lock lock();
    Lock lock(std::error_code& ec) noexcept;
    /** @} */

    /** @{ Take the lock if it is free: Lock::owns_lock() tells. Errors: as lock(). */
    Lock try_lock();
    Lock try_lock(std::error_code& ec) noexcept;
    /** @} */

    /** @{ Wait for the lock until a time: Lock::owns_lock() tells. Errors: as lock(). */
    Lock try_lock_until(Clock::time_point until);
    Lock try_lock_until(Clock::time_point until, std::error_code& ec) noexcept;
    /** @} */

    /**
     * Take the lock from whoever seems to hold it, as if that thread had died. For a
     * holder that cannot be seen to be dead, or a peer that wrote into the lock.
     */
    Lock take_over() noexcept;

private:
    SharedMutex() = default;

    Lock held_by(const holder::Identity& self) noexcept;
    ASHMEM_LOCAL bool take_free(std::uint64_t self, std::uint64_t& seen) noexcept;
    Lock take(Clock::time_point until, std::error_code& ec) noexcept;
    bool wait_and_take(std::uint64_t self, std::uint64_t seen, Clock::time_point until,
                       std::error_code& ec) noexcept;
    void unlock(std::uint64_t thread) noexcept;

    std::atomic<std::uint32_t> kind_;
    std::atomic<std::uint32_t> unrecovered_; // a holder died
    alignas(8) std::atomic<std::uint64_t> holder_;
};

static_assert(sizeof(SharedMutex) == 16 && alignof(SharedMutex) == 8,
              "the form of a lock is the same for all programs");

} // namespace ashmem

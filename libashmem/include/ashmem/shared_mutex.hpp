// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <ashmem/api.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

namespace ashmem {

/**
 * A lock that lives in a region, for the threads of all processes that map it,
 * and that survives the death of its holder.
 *
 * One process creates it in zeroed bytes, the others attach to it. If a holder
 * dies, the next one gets the lock, is told so by Lock::owner_died(), puts right
 * what the lock protects, and calls make_consistent(); if it unlocks without that, the
 * lock stays unusable for all (ENOTRECOVERABLE). A process that may write the
 * region may break the lock: it protects cooperating processes, and not
 * against hostile ones.
 *
 * Never copied and never moved: the object is the bytes in the region. There is
 * no destructor to call; it goes with the region.
 */
class ASHMEM_API SharedMutex final {
public:
    /** The lock, held while this object lives; made by lock() and try_lock(). */
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
        /** Tell whether the holder before died, and nobody has recovered since. */
        [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }
        /** Say that what the lock protects is whole again. */
        void make_consistent() noexcept;

    private:
        friend class SharedMutex;
        Lock(SharedMutex* mutex, bool owner_died) noexcept
            : mutex_(mutex), owner_died_(owner_died) {}
        SharedMutex* mutex_ = nullptr;
        bool owner_died_ = false;
    };

    SharedMutex(const SharedMutex&) = delete;
    SharedMutex& operator=(const SharedMutex&) = delete;

    /**
     * @{ Make a lock in shared bytes that are zero.
     *
     * @param bytes at least sizeof(SharedMutex), mapped for writing, aligned as it
     *        is; what is beyond is left alone
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
     * something else, or a lock of another build of this library.
     */
    static SharedMutex& attach_in(std::span<std::byte> bytes);
    static SharedMutex* attach_in(std::span<std::byte> bytes, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Wait for the lock.
     *
     * Errors: EDEADLK if this thread holds it; ENOTRECOVERABLE, see above.
     */
    Lock lock();
    Lock lock(std::error_code& ec) noexcept;
    /** @} */

    /** @{ Take the lock if it is free: Lock::owns_lock() tells. Errors: as lock(). */
    Lock try_lock();
    Lock try_lock(std::error_code& ec) noexcept;
    /** @} */

private:
    SharedMutex() = default;

    Lock taken(int error, std::error_code& ec) noexcept;

    std::atomic<std::uint32_t> state_;
    std::uint32_t size_;
    pthread_mutex_t mutex_;
};

} // namespace ashmem

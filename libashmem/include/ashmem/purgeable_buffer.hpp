// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/region.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace ashmem {

/**
 * Bytes that the kernel may drop while nobody uses them, and a function that
 * makes them again: a cache that gives its memory back under pressure.
 *
 * lock() keeps the bytes, rebuilds them if they were dropped, and keeps them until
 * the Lock it answers ends. Locks may nest and may be taken by several threads;
 * the bytes may be dropped again once the last one has ended. What is dropped, and
 * when, is the kernel's choice: with memory short in the machine, or at the limit of
 * the memory cgroup that the bytes are charged to.
 *
 * Over the driver the bytes are a region. Without it, those of a buffer for this process
 * (Use::own) are private memory under MADV_FREE, and the buffer behaves the same: each
 * lost page is detected. That holds no descriptor, and costs each last unlock
 * and each first lock a write to every page, and a word for each page. Memory that is
 * locked (mlock(), mlockall()) is never dropped. Those of a buffer to share (Use::shared)
 * are a memfd, which is never dropped.
 *
 * A buffer is moved and assigned by one thread; the Locks of a buffer that is moved
 * belong to the new one. A moved-from buffer may only be destroyed or assigned to.
 *
 * A child of fork() has a buffer of its own, if it was made with Use::own: the bytes are
 * a copy, or built anew by the child's first lock(). A Lock that was held at the fork may
 * only be destroyed by the child.
 *
 * Layout, part of the ABI: one pointer.
 */
class ASHMEM_API PurgeableBuffer final {
    struct ASHMEM_LOCAL Impl;

public:
    /** Fills all of the bytes. lock() passes on its exceptions; the next one tries again. */
    using Rebuild = std::function<void(std::span<std::byte>)>;

    /** Who uses the bytes: this process, or also others who map region(). */
    enum class Use : int { own, shared };

    /** Use of the bytes, for as long as it lives. The buffer must outlive it. */
    class [[nodiscard]] ASHMEM_API Lock final {
    public:
        ~Lock();
        Lock(Lock&& other) noexcept;
        Lock& operator=(Lock&&) = delete;
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

        [[nodiscard]] std::span<std::byte> bytes() const noexcept;
        /** Tell whether this lock() had to make the bytes. */
        [[nodiscard]] bool rebuilt() const noexcept { return rebuilt_; }

    private:
        friend class PurgeableBuffer;
        Lock(Impl& buffer, bool rebuilt) noexcept : buffer_(&buffer), rebuilt_(rebuilt) {}
        Impl* buffer_;
        bool rebuilt_;
    };

    /**
     * Make a buffer. Nothing is built before the first lock().
     *
     * @param name as for Region::create()
     * @param size bytes, at least one
     * @param rebuild is called with the buffer's own lock held: it must not lock
     *        the same buffer
     * @param use who uses the bytes
     * @throws std::system_error as Region::create() and Region::map(): EINVAL for a
     *         size of 0, ENOMEM, EMFILE
     */
    PurgeableBuffer(std::string_view name, std::size_t size, Rebuild rebuild, Use use = Use::own);
    PurgeableBuffer(PurgeableBuffer&&) noexcept;
    /** Unmaps and closes the buffer held before. */
    PurgeableBuffer& operator=(PurgeableBuffer&&) noexcept;
    ~PurgeableBuffer();

    /**
     * Keep the bytes.
     *
     * @throws std::system_error as Region::pin(); in a child of fork() as the constructor,
     *         and EBUSY while it has Locks of its parent's; what `rebuild` throws
     */
    Lock lock();

    /** Bytes, as asked for. */
    [[nodiscard]] std::size_t size() const noexcept;

    /**
     * The region of a shared buffer, for others to map; they lock it by a PinGuard.
     * Empty for a buffer of one process, with and without the driver.
     */
    [[nodiscard]] const Region& region() const noexcept;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem

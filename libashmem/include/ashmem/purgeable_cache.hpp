// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace ashmem {

/**
 * A cache of this process whose entries are kept while they are held, and may be dropped
 * by the kernel while they are not: a PurgeableBuffer for many.
 *
 * The entries lie in few regions, of 64 MiB if the capacity allows it, each entry in whole
 * pages of its own; one above 16 MiB has a region for itself. get() answers a Handle, which keeps
 * the entry until it ends; an entry that is new, or that the kernel dropped meanwhile, is made by
 * the function that the cache was given. When a new entry has no room, entries that are not
 * held are evicted, the least recently used first, until enough pages in a row are free.
 * Regions without entries go too. An entry's use is its get() and the end of its last Handle.
 *
 * Without the driver the memory is private, under MADV_FREE, as for a PurgeableBuffer, and
 * needs no descriptors.
 *
 * Threads: get(), erase(), clear(), statistics() and the ends of Handles may come from any
 * threads at once. An entry is made by one of them, with no lock held: those who want the
 * same one wait, all others go on. The bytes of a Handle are not locked against each
 * other: a thread that writes them must synchronize with the other holders. A cache is
 * moved, assigned and destroyed by one thread; Handles must end before it, and those of a
 * cache that is moved belong to the new one. A moved-from cache may only be destroyed or
 * assigned to.
 *
 * A child of fork() has a cache of its own: its entries are copies, or gone. Handles of
 * the time of the fork may only be destroyed by the child, and a fork while another thread
 * uses the cache leaves the child with one that it must not use.
 *
 * Layout, part of the ABI: one pointer.
 */
class ASHMEM_API PurgeableCache final {
    struct ASHMEM_LOCAL Impl;
    struct ASHMEM_LOCAL Entry;

public:
    /**
     * Fills all bytes of the entry of this key, which are not zero before. What it throws,
     * get() throws, and the entry is forgotten. Several threads may call it at once, for
     * other entries. It may get() other entries, but no two may be made of each other.
     */
    using Rebuild = std::function<void(std::string_view key, std::span<std::byte> bytes)>;

    /** Where get() had an entry from. */
    enum class Source : int {
        found,   /**< it was there */
        built,   /**< it was new, or had been evicted: the function made it */
        rebuilt, /**< the kernel had dropped it: the function made it again */
    };

    /** Use of an entry, for as long as it lives. */
    class [[nodiscard]] ASHMEM_API Handle final {
    public:
        /** Of nothing. */
        Handle() noexcept = default;
        ~Handle();
        Handle(Handle&& other) noexcept;
        /** Ends the use of what was held before. */
        Handle& operator=(Handle&& other) noexcept;
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;

        /** Tell whether there is an entry. */
        [[nodiscard]] bool ok() const noexcept { return entry_ != nullptr; }
        /** The entry's bytes, as many as were asked for; empty without one. */
        [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }
        [[nodiscard]] Source source() const noexcept { return source_; }

    private:
        friend class PurgeableCache;
        Impl* cache_ = nullptr;
        Entry* entry_ = nullptr;
        std::span<std::byte> bytes_;
        Source source_ = Source::found;
    };

    /** Contents, and counts since the cache was made. */
    struct Statistics {
        std::uint64_t hits;     /**< entries that get() found */
        std::uint64_t rebuilds; /**< entries that the function made, also those below */
        std::uint64_t lost;     /**< entries that get() found to be dropped by the kernel */
        std::uint64_t evicted;  /**< entries that made room for others */
        std::size_t entries;    /**< in the cache, dropped ones that nobody asked for too */
        std::size_t held;       /**< entries that Handles keep */
        std::size_t bytes;      /**< of the entries, as asked for */
        std::size_t regions;
    };

    /**
     * Make a cache without entries, which has no region yet.
     *
     * @param name of its regions, as for Region::create()
     * @param capacity the most bytes of all regions, rounded up to whole pages
     * @param rebuild makes entries
     * @throws std::bad_alloc
     */
    PurgeableCache(std::string_view name, std::size_t capacity, Rebuild rebuild);
    PurgeableCache(PurgeableCache&&) noexcept;
    /** Ends the cache held before. */
    PurgeableCache& operator=(PurgeableCache&&) noexcept;
    ~PurgeableCache();

    /**
     * @{ Hold an entry; make it if it isn't there.
     *
     * @param key any bytes, also none
     * @param size bytes, at least one; an entry of another size is forgotten and made anew
     *
     * May throw std::bad_alloc, and what `rebuild` throws. Errors: EINVAL for a size of 0;
     * EFBIG for one beyond the capacity; EBUSY if what is held leaves no room, if the entry
     * is held with another size, or in a child of fork() that has Handles of its parent's;
     * EDEADLK for the entry that this thread is making; those of Region::create(),
     * Region::map() and Region::pin().
     */
    [[nodiscard]] Handle get(std::string_view key, std::size_t size);
    Handle get(std::string_view key, std::size_t size, std::error_code& ec);
    /** @} */

    /** Forget an entry. False if there is none, or if it is held and stays. */
    bool erase(std::string_view key) noexcept;
    /** Forget all entries that nobody holds. */
    void clear() noexcept;

    /** Bytes, in whole pages. */
    [[nodiscard]] std::size_t capacity() const noexcept;
    [[nodiscard]] Statistics statistics() const noexcept;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem

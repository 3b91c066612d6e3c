// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/prot.hpp>
#include <ashmem/region.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <system_error>

namespace ashmem {

/**
 * A std::pmr::memory_resource over a region: containers that other processes read where
 * they are.
 *
 * One process makes a region into a resource by create(), allocates from it, builds
 * containers in it, and publishes one object, the root. Others attach() to the region,
 * which maps it at the same address, and find the root there. The address is written in
 * the region, so that pointers into the region are right in every process, and nothing
 * else is:
 *
 *  - May live there: numbers, enums, arrays and structs of them; pointers into the
 *    region; containers of std::pmr (vector, string, list, map, unordered_map) of such,
 *    whose allocator is this resource, or a pool of std::pmr over it.
 *  - May not: pointers to anything else, to globals, functions or literals too;
 *    std::string_view of what is not in the region; objects with virtual functions,
 *    std::function, std::any, smart pointers with deleters; containers with std::allocator,
 *    such as std::string; locks other than SharedMutex; descriptors.
 *  - A container remembers the resource by its address in the process that built it. So
 *    only that process may change, move, swap or destroy it; others read it, through
 *    const. A copy that another process makes lies in that process's default resource.
 *    Children that the creator forks have the resource at the same address, and may do what
 *    it may, one at a time (SharedMutex).
 *  - All processes have containers of the same layout: the same standard library and ABI,
 *    of 32 or of 64 bits.
 *  - Only publish() and find() order readers and writers: data written before publish() is
 *    seen after find(). For later changes use SharedMutex.
 *  - Readers trust the writer: a process that can write to the region can make a reader
 *    follow any pointer. Read the data of an untrusted process as bytes, by copy_out() and
 *    snapshot().
 *
 * Where one address can't be had in all processes, keep offsets in place of pointers:
 * attach_anywhere(), offset_of() and at().
 *
 * Allocation only goes forward, by one atomic addition in the region, from any threads and
 * any processes that attached for writing. What is deallocated stays used, unless it was
 * the last allocation. To use memory again, put a std::pmr::unsynchronized_pool_resource
 * of one process over this; to avoid copies left behind, reserve(). allocate() throws
 * std::bad_alloc once the region is full, always if it is mapped for reading only.
 *
 * The region must stay pinned. The map outlives the Region and ends with this object;
 * containers must be out of use before. Errors are as for Region: each operation comes in
 * a form that throws std::system_error and in one that sets `ec` and answers null; those
 * that make a resource may throw std::bad_alloc.
 *
 * Layout, part of the ABI: that of std::pmr::memory_resource, and one pointer.
 */
class ASHMEM_API RegionResource final : public std::pmr::memory_resource {
    struct ASHMEM_LOCAL Impl;

public:
    /** Bytes at the region's start that the resource keeps for itself. */
    static constexpr std::size_t header_size = 64;

    /**
     * @{ Make a region into a resource.
     *
     * @param region of more than header_size bytes, which are zero
     * @param address where all are to map it, a multiple of the page size; null leaves the
     *        choice to the library: with 64-bit addresses a random one, far from where the
     *        kernel puts maps, which other processes will hardly have in use
     *
     * Errors: EINVAL if the region is too small, or the address no multiple; EEXIST if the
     * address is in use, or the region has been made into a resource before; those of
     * Region::map() for reading and writing.
     */
    static std::unique_ptr<RegionResource> create(const Region& region, void* address = nullptr);
    static std::unique_ptr<RegionResource> create(const Region& region, void* address,
                                                  std::error_code& ec);
    /** @} */

    /**
     * @{ Use what another process created, at the address it has there.
     *
     * @param protection Prot::read, or Prot::read_write to allocate as well
     *
     * Errors: EINVAL without Prot::read; EAGAIN if it has not been created yet; EPROTO if the
     * region holds something else, or a resource of another version or word size; EEXIST if this
     * process uses the address otherwise; those of Region::map().
     */
    static std::unique_ptr<RegionResource> attach(const Region& region,
                                                  Prot protection = Prot::read);
    static std::unique_ptr<RegionResource> attach(const Region& region, Prot protection,
                                                  std::error_code& ec);
    /** @} */

    /**
     * @{ The same at any address: pointers in the region are wrong then, offsets are right,
     * and find() is ENOTSUP, unless it happens to be the same address.
     */
    static std::unique_ptr<RegionResource> attach_anywhere(const Region& region,
                                                           Prot protection = Prot::read);
    static std::unique_ptr<RegionResource> attach_anywhere(const Region& region, Prot protection,
                                                           std::error_code& ec);
    /** @} */

    ~RegionResource() override;
    RegionResource(const RegionResource&) = delete;
    RegionResource& operator=(const RegionResource&) = delete;

    /**
     * @{ Let others find an object that was made in the region. May be called again with
     * another one: readers keep what they found.
     *
     * Errors: EINVAL if it does not lie in what was allocated; ENOMEM if the region has no
     * room for a note of it, of four pointers' size at most; EACCES if this is for reading
     * only.
     */
    template <class T>
    void publish(const T& root) {
        publish_bytes(&root, sizeof(T));
    }
    template <class T>
    void publish(const T& root, std::error_code& ec) noexcept {
        publish_bytes(&root, sizeof(T), ec);
    }
    /** @} */

    /**
     * @{ The object that was published last.
     *
     * Errors: EAGAIN if there is none yet; EPROTO if it has another size than T, is not
     * aligned as T, or does not lie in the region; ENOTSUP, see attach_anywhere().
     */
    template <class T>
    [[nodiscard]] const T& find() const {
        return *static_cast<const T*>(find_bytes(sizeof(T), alignof(T)));
    }
    template <class T>
    [[nodiscard]] const T* find(std::error_code& ec) const noexcept {
        return static_cast<const T*>(find_bytes(sizeof(T), alignof(T), ec));
    }
    /** @} */

    /** @{ The offset of the object that was published last, at any address. Errors: EAGAIN. */
    [[nodiscard]] std::uint64_t root() const;
    [[nodiscard]] std::uint64_t root(std::error_code& ec) const noexcept;
    /** @} */

    /** Bytes from the region's start to a place in it; 0 for null and for any other place. */
    [[nodiscard]] std::uint64_t offset_of(const void* place) const noexcept;

    /**
     * The object at an offset that offset_of() told, perhaps in another process. Null if it
     * would not lie in what has been allocated, aligned as T.
     */
    template <class T>
    [[nodiscard]] T* at(std::uint64_t offset, std::size_t count = 1) const noexcept {
        return static_cast<T*>(place(offset, sizeof(T), count, alignof(T)));
    }

    /** Where the region is mapped. */
    [[nodiscard]] const void* address() const noexcept;
    /** Tell whether pointers in the region are right in this process. */
    [[nodiscard]] bool has_its_address() const noexcept;
    /** Bytes that are allocated, with padding and what was deallocated, and header_size. */
    [[nodiscard]] std::size_t used() const noexcept;
    /** Bytes of the region. */
    [[nodiscard]] std::size_t size() const noexcept;

private:
    ASHMEM_LOCAL explicit RegionResource(std::unique_ptr<Impl> impl) noexcept;
    ASHMEM_LOCAL static std::unique_ptr<RegionResource> attach_at(const Region& region,
                                                                  Prot protection, bool its_address,
                                                                  std::error_code& ec);

    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override;
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override;

    void publish_bytes(const void* root, std::size_t size);
    void publish_bytes(const void* root, std::size_t size, std::error_code& ec) noexcept;
    [[nodiscard]] const void* find_bytes(std::size_t size, std::size_t alignment) const;
    [[nodiscard]] const void* find_bytes(std::size_t size, std::size_t alignment,
                                         std::error_code& ec) const noexcept;
    [[nodiscard]] void* place(std::uint64_t offset, std::size_t size, std::size_t count,
                              std::size_t alignment) const noexcept;

    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem

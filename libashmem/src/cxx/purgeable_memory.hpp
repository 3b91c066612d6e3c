// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Memory whose parts are given up and kept again: a region over the driver, which drops
 * what is unpinned; without it memory of this process, which the kernel drops by
 * MADV_FREE, and a memfd, which is never dropped, if others are to map it.
 */
#pragma once

#include <ashmem/region.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace ashmem {

/**
 * Whole pages are given up and kept: offsets are multiples of the page size, lengths are
 * rounded up to it, and no range reaches beyond the last page. Calls don't overlap in
 * time: the owner has a lock. At first all is kept.
 */
class PurgeableMemory {
public:
    enum class Use { own, shared };

    /**
     * Make `size` bytes, all zero. May throw std::bad_alloc.
     *
     * Errors: those of Region::create() and Region::map().
     */
    [[nodiscard]] static std::unique_ptr<PurgeableMemory> create(std::string_view name,
                                                                 std::size_t size, Use use,
                                                                 std::error_code& ec);

    PurgeableMemory(const PurgeableMemory&) = delete;
    PurgeableMemory& operator=(const PurgeableMemory&) = delete;
    virtual ~PurgeableMemory() = default;

    /** As many as were asked for. What is given up must not be touched. */
    [[nodiscard]] virtual std::span<std::byte> bytes() noexcept = 0;
    /** The region that others may map; none if it is not shared. */
    [[nodiscard]] virtual const Region* region() const noexcept = 0;
    /** Keep a range again. Answers whether all of it is as it was given up. */
    [[nodiscard]] virtual bool keep(std::size_t offset, std::size_t length,
                                    std::error_code& ec) noexcept = 0;
    /** Let the kernel drop a range. */
    virtual void give_up(std::size_t offset, std::size_t length) noexcept = 0;
    /** The same for bytes that nobody will ask for again. */
    virtual void discard(std::size_t offset, std::size_t length) noexcept = 0;
    /**
     * Whether this is a parent's memory, which a child of fork() got along with the
     * object and must not keep or give up: they would share what is pinned.
     */
    [[nodiscard]] virtual bool inherited() const noexcept = 0;

protected:
    PurgeableMemory() = default;
};

} // namespace ashmem

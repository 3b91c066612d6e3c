// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/pin_result.hpp>
#include <ashmem/region.hpp>
#include <cstddef>
#include <system_error>

namespace ashmem {

/**
 * A range that is kept while this object lives: pinned by its constructor,
 * unpinned by its destructor.
 *
 * The Region must outlive it. Ranges of several guards should not overlap: the
 * first one that ends unpins the range of all.
 *
 * Layout, part of the ABI: pointer, two sizes, PinResult.
 */
class [[nodiscard]] ASHMEM_API PinGuard final {
public:
    /**
     * @{ Pin a range.
     *
     * @param region has been mapped once
     * @param offset, length as for Region::pin()
     *
     * Errors: those of Region::pin(); nothing is unpinned at the end then.
     */
    explicit PinGuard(Region& region, std::size_t offset = 0, std::size_t length = 0);
    PinGuard(Region& region, std::size_t offset, std::size_t length, std::error_code& ec) noexcept;
    /** @} */
    ~PinGuard();

    PinGuard(PinGuard&& other) noexcept;
    PinGuard& operator=(PinGuard&&) = delete;
    PinGuard(const PinGuard&) = delete;
    PinGuard& operator=(const PinGuard&) = delete;

    /** Tell whether the range was lost before it was pinned: its bytes are zero. */
    [[nodiscard]] bool was_purged() const noexcept { return result_ == PinResult::was_purged; }

    /** Leave the range pinned after all. */
    void release() noexcept { region_ = nullptr; }

private:
    Region* region_;
    std::size_t offset_, length_;
    PinResult result_;
};

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/mapping.hpp>
#include <ashmem/pin_result.hpp>
#include <ashmem/prot.hpp>
#include <ashmem/unique_fd.hpp>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace ashmem {

namespace backend {
struct Ops;
struct Range;
} // namespace backend

/** As a length for Region::map(): up to the end of the region. */
inline constexpr std::size_t to_end = static_cast<std::size_t>(-1);

/**
 * A region of shared memory, held by a descriptor.
 *
 * Every operation that can fail comes twice. One form throws a
 * std::system_error that names the operation; the other, with a last argument
 * of type std::error_code&, sets that (clears it on success) and returns an
 * empty value or zero on failure. Both carry errno's number: EBADF for an
 * empty Region, and what is listed at each operation. Sizes and offsets are in
 * bytes. <cutils/ashmem.h> and <ashmem/ashmem.h> tell more of each operation.
 *
 * It remembers what keeps the region, and its size once nobody can change it: who closes
 * its descriptor behind its back, so that the number becomes another file's, has it map and
 * pin that file by this region's size.
 *
 * Layout, part of the ABI: one unique_fd, a pointer, a size.
 */
class [[nodiscard]] ASHMEM_API Region final {
public:
    /** No region. */
    Region() noexcept = default;

    ~Region() = default;

    Region(Region&& other) noexcept;
    /** Closes the region held before; maps of it stay. */
    Region& operator=(Region&& other) noexcept;
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;

    /**
     * @{ Make a region with protection Prot::all.
     *
     * @param name up to 255 bytes count; "" leaves the driver's default name
     * @param size bytes, not rounded
     *
     * Errors: ENOENT if there is no driver; those of open().
     */
    static Region create(std::string_view name, std::size_t size);
    static Region create(std::string_view name, std::size_t size, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Own a region that came as a descriptor. On failure the descriptor is closed.
     *
     * Errors: ENOTTY if it is something else.
     */
    static Region adopt(unique_fd fd);
    static Region adopt(unique_fd fd, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Own a duplicate of a region's descriptor, which stays the caller's.
     *
     * Errors: ENOTTY if it is something else; EMFILE.
     */
    static Region dup(int fd);
    static Region dup(int fd, std::error_code& ec) noexcept;
    /** @} */

    /** Tell whether there is a region. */
    [[nodiscard]] bool ok() const noexcept { return fd_.ok(); }

    /** The descriptor, which stays owned. */
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    /** Give the descriptor away. */
    unique_fd release() noexcept;

    /** @{ The size given at creation. Errors: EOVERFLOW, see ashmem_get_size_region64(). */
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t size(std::error_code& ec) const noexcept;
    /** @} */

    /** @{ The name given at creation, or the driver's default. May throw std::bad_alloc. */
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::string name(std::error_code& ec) const;
    /** @} */

    /** @{ What maps may ask for from now on. */
    [[nodiscard]] Prot protection() const;
    [[nodiscard]] Prot protection(std::error_code& ec) const noexcept;
    /** @} */

    /** @{ Narrow that, for every holder and for good. Errors: EINVAL if it would widen. */
    void set_protection(Prot protection);
    void set_protection(Prot protection, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Map part of the region, shared with all others who map it.
     *
     * @param protection what the bytes will be used for
     * @param offset first byte, a multiple of the page size
     * @param length bytes, at least one, not beyond the region's size
     *
     * Errors: EPERM if the region's protection lacks a bit; EINVAL for an
     * impossible range; ENOMEM. The first map fixes name and size.
     */
    Mapping map(Prot protection, std::size_t offset = 0, std::size_t length = to_end) const;
    Mapping map(Prot protection, std::size_t offset, std::size_t length,
                std::error_code& ec) const noexcept;
    Mapping map(Prot protection, std::error_code& ec) const noexcept;
    /** @} */

    /**
     * @{ Keep a range again, and learn whether it was lost meanwhile.
     *
     * @param offset first byte, a multiple of the page size
     * @param length bytes, a multiple of the page size; 0: to the end
     *
     * Errors, here and for unpin() and pinned(): EINVAL for an impossible
     * range, one above UINT32_MAX, or a region that was never mapped.
     */
    [[nodiscard]] PinResult pin(std::size_t offset = 0, std::size_t length = 0);
    [[nodiscard]] PinResult pin(std::size_t offset, std::size_t length,
                                std::error_code& ec) noexcept;
    [[nodiscard]] PinResult pin(std::error_code& ec) noexcept;
    /** @} */

    /** @{ Allow the kernel to drop a range; without Prot::write it is kept all the same. */
    void unpin(std::size_t offset = 0, std::size_t length = 0);
    void unpin(std::size_t offset, std::size_t length, std::error_code& ec) noexcept;
    void unpin(std::error_code& ec) noexcept;
    /** @} */

    /** @{ Tell whether all of a range is pinned. */
    [[nodiscard]] bool pinned(std::size_t offset = 0, std::size_t length = 0) const;
    [[nodiscard]] bool pinned(std::size_t offset, std::size_t length,
                              std::error_code& ec) const noexcept;
    [[nodiscard]] bool pinned(std::error_code& ec) const noexcept;
    /** @} */

private:
    static constexpr std::size_t unknown = static_cast<std::size_t>(-1);

    Region(unique_fd fd, const backend::Ops* ops) noexcept
        : fd_(static_cast<unique_fd&&>(fd)), ops_(ops) {}

    /** The size once it is fixed; else `unknown`. */
    [[nodiscard]] std::size_t fixed_size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }
    ASHMEM_LOCAL std::size_t ask_size(std::error_code& ec) const noexcept;
    ASHMEM_LOCAL std::size_t size_after_map(std::size_t before) const noexcept;
    [[nodiscard]] ASHMEM_LOCAL backend::Range range(std::size_t offset,
                                                    std::size_t length) const noexcept;

    unique_fd fd_;
    const backend::Ops* ops_ = nullptr;
    mutable std::atomic<std::size_t> size_{unknown};
};

} // namespace ashmem

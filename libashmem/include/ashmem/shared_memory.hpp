// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/mapping.hpp>
#include <ashmem/prot.hpp>
#include <ashmem/region.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace ashmem {

/**
 * Android's android.os.SharedMemory: the same members, names and edge cases.
 *
 * Where the original throws, these throw a std::system_error: EINVAL for its
 * IllegalArgumentException, EBADF for IllegalStateException (closed), errno's
 * number for ErrnoException. The forms with a std::error_code set that instead.
 * A Mapping takes the place of the ByteBuffer; unmap() is Mapping's.
 */
class [[nodiscard]] ASHMEM_API SharedMemory final {
public:
    /** Closed. */
    SharedMemory() noexcept = default;

    /** @{ Make a region of `size` bytes, at least 1 and at most INT_MAX, as in Java. */
    static SharedMemory create(std::string_view name, int size);
    static SharedMemory create(std::string_view name, int size, std::error_code& ec) noexcept;
    /** @} */

    /** @{ Own a region that came as a descriptor; EINVAL if it is none or has size 0. */
    static SharedMemory fromFileDescriptor(unique_fd fd);
    static SharedMemory fromFileDescriptor(unique_fd fd, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Narrow what maps may ask for from now on, by every holder.
     *
     * @return whether it worked: adding a right does not
     *
     * Errors: EINVAL for other bits than Prot's; EBADF if closed.
     */
    bool setProtect(Prot prot);
    bool setProtect(Prot prot, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Map a range.
     *
     * Errors: EBADF if closed; EINVAL for a range that is negative, empty or
     * beyond the size, or an offset within a page; EPERM if the protection lacks
     * a bit.
     */
    [[nodiscard]] Mapping map(Prot prot, int offset, int length) const;
    Mapping map(Prot prot, int offset, int length, std::error_code& ec) const noexcept;
    [[nodiscard]] Mapping mapReadWrite() const;
    [[nodiscard]] Mapping mapReadOnly() const;
    /** @} */

    /** @{ The size asked for; EBADF if closed. */
    [[nodiscard]] int getSize() const;
    int getSize(std::error_code& ec) const noexcept;
    /** @} */

    /** The descriptor, which stays owned; -1 if closed. */
    [[nodiscard]] int getFd() const noexcept { return region_.fd(); }

    /** @{ A descriptor of the caller's own; EBADF if closed. */
    [[nodiscard]] unique_fd getFdDup() const;
    unique_fd getFdDup(std::error_code& ec) const noexcept;
    /** @} */

    /** Close; maps stay. Once more does nothing. */
    void close() noexcept;

private:
    SharedMemory(Region region, int size) noexcept
        : region_(static_cast<Region&&>(region)), size_(size) {}

    Region region_;
    int size_ = 0;
};

} // namespace ashmem

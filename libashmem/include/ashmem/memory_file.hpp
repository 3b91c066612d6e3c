// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace ashmem {

/**
 * Android's android.os.MemoryFile: bytes that are read and written by offset, and
 * that the kernel may drop between two uses if that was allowed.
 *
 * Where the original throws, these throw a std::system_error, or set `ec`: EINVAL
 * for a range that does not fit; EBADF after close(); ENODATA if the bytes were
 * dropped, which reading them once more does not tell again. All members may be
 * called by several threads, but a file is moved and assigned by one. A moved-from
 * file is closed and has the length 0. Streams are in <ashmem/memory_file_stream.hpp>.
 *
 * Layout, part of the ABI: one pointer.
 */
class ASHMEM_API MemoryFile final {
public:
    /** @{ Make a file of `length` bytes, at least one, all zero. */
    MemoryFile(std::string_view name, int length);
    MemoryFile(std::string_view name, int length, std::error_code& ec) noexcept;
    /** @} */
    /** @{ Use a region that came as a descriptor; EINVAL if it is none. EPERM if it is read-only.
     */
    explicit MemoryFile(unique_fd fd);
    MemoryFile(unique_fd fd, std::error_code& ec) noexcept;
    /** @} */
    MemoryFile(MemoryFile&&) noexcept;
    /** Closes the file held before. */
    MemoryFile& operator=(MemoryFile&&) noexcept;
    ~MemoryFile();

    /** Bytes, as asked for; after close() too. 0 if that was no length. */
    [[nodiscard]] int length() const noexcept;

    /**
     * @{ Copy `count` bytes from the file at `srcOffset` to `buffer` at `destOffset`.
     * @return count
     */
    int readBytes(std::span<std::byte> buffer, int srcOffset, int destOffset, int count);
    int readBytes(std::span<std::byte> buffer, int srcOffset, int destOffset, int count,
                  std::error_code& ec) noexcept;
    /** @} */

    /** @{ Copy `count` bytes from `buffer` at `srcOffset` to the file at `destOffset`. */
    void writeBytes(std::span<const std::byte> buffer, int srcOffset, int destOffset, int count);
    void writeBytes(std::span<const std::byte> buffer, int srcOffset, int destOffset, int count,
                    std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Allow the kernel to drop the bytes between two uses, or forbid it.
     * @return what held before
     */
    bool allowPurging(bool allow);
    bool allowPurging(bool allow, std::error_code& ec) noexcept;
    /** @} */
    [[nodiscard]] bool isPurgingAllowed() const noexcept;

    /** The descriptor, which stays owned; -1 after close(). */
    [[nodiscard]] int getFd() const noexcept;

    /** Unmap and close. Once more does nothing. */
    void close() noexcept;

    /** Tell whether a descriptor could be a MemoryFile's. */
    [[nodiscard]] static bool isMemoryFile(int fd) noexcept;
    /** @{ The size of a region. @return bytes; -1, and no error, if it is none */
    [[nodiscard]] static int getSize(int fd) noexcept;
    /** @} */

private:
    struct ASHMEM_LOCAL Impl;

    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/binder/parcel.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace ashmem::binder {

/**
 * Bytes, descriptors and objects that came from another process.
 *
 * They lie in the driver's memory, which is given back when the message ends. Descriptors
 * that were not taken by fd() are closed then. A child of fork() has no such memory: there
 * a message of the parent's is empty, but for the descriptors that it closes.
 */
class [[nodiscard]] ASHMEM_API Message final {
public:
    Message() noexcept;
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    ~Message();

    /** @{ The next value; see Reader. */
    std::int32_t i32() noexcept { return reader().i32(); }
    std::uint32_t u32() noexcept { return reader().u32(); }
    std::int64_t i64() noexcept { return reader().i64(); }
    std::uint64_t u64() noexcept { return reader().u64(); }
    std::u16string string16() { return reader().string16(); }
    bool token(std::u16string_view interface) { return reader().token(interface); }
    [[nodiscard]] bool ok() const noexcept { return reader_.ok(); }
    [[nodiscard]] std::size_t left() const noexcept { return reader_.left(); }
    /** @} */
    /** The next value, a descriptor, which is the caller's now; not ok() if it is none. */
    unique_fd fd() noexcept;
    /**
     * @{ The next value, an object; null for null, and, with ok() false, for what is none.
     *
     * Errors: the errno of the driver, if it does not let the object be held.
     */
    Reference object();
    Reference object(std::error_code& ec);
    /** @} */

private:
    friend class ThreadState;
    struct ASHMEM_LOCAL Buffer;
    ASHMEM_LOCAL explicit Message(std::unique_ptr<Buffer> buffer);
    /** Where reading goes on; in a child of fork() at the end of nothing. */
    Reader& reader() noexcept;

    std::unique_ptr<Buffer> buffer_;
    Reader reader_{{}, {}};
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace ashmem::binder {

class Object;
class Remote;

/** What can be called: a local object, a remote one, or null. */
struct Reference {
    std::shared_ptr<Object> local;
    std::shared_ptr<Remote> remote;

    [[nodiscard]] explicit operator bool() const noexcept { return local || remote; }
};

/**
 * What a call or its answer carries, in libbinder's form: numbers in the machine's
 * order, each value padded to four bytes.
 *
 * A moved-from parcel is empty.
 *
 * Layout, part of the ABI: one pointer.
 */
class ASHMEM_API Parcel final {
public:
    Parcel() noexcept;
    Parcel(Parcel&&) noexcept;
    Parcel& operator=(Parcel&&) noexcept;
    ~Parcel();

    void i32(std::int32_t value);
    void u32(std::uint32_t value) { i32(static_cast<std::int32_t>(value)); }
    void i64(std::int64_t value);
    void u64(std::uint64_t value) { i64(static_cast<std::int64_t>(value)); }
    /** A string of UTF-16, as Android's. @throws std::length_error beyond 2^31 - 1 units */
    void string16(std::u16string_view text);
    /** What a call begins with, from Android 11 on: whose method is meant. */
    void token(std::u16string_view interface);
    /**
     * @{ A descriptor, of which a duplicate is kept until the parcel ends.
     *
     * Errors: EBADF; EMFILE.
     */
    void fd(int fd);
    void fd(int fd, std::error_code& ec);
    /** @} */
    /** A local object, a remote one, or null. */
    void object(const Reference& reference);

    /** @{ As the driver wants them: the bytes, and where in them objects are. */
    [[nodiscard]] std::span<const std::byte> data() const noexcept;
    [[nodiscard]] std::span<const std::uint64_t> offsets() const noexcept;
    /** @} */
    /** What the parcel keeps alive. */
    [[nodiscard]] std::span<const Reference> references() const noexcept;

private:
    struct ASHMEM_LOCAL Impl;
    /** What there is so far, made when the first value is written. */
    ASHMEM_LOCAL Impl& impl();

    std::unique_ptr<Impl> impl_;
};

/**
 * Values out of bytes that another process wrote.
 *
 * Nothing is read beyond the end, and nothing passes for a descriptor or an object
 * but what the driver says is one: a sender can write its likeness, and not the list
 * of offsets. After the first value that is not there all further ones are zero or
 * empty, and ok() is false.
 */
class ASHMEM_API Reader final {
public:
    /** An object's place in the bytes, and what the driver put there. */
    struct Flat {
        std::size_t at = 0;
        std::uint32_t type = 0;
        std::uint64_t value = 0; ///< its descriptor, handle, or number in this process
    };

    Reader(std::span<const std::byte> data, std::span<const std::uint64_t> offsets) noexcept
        : data_(data), offsets_(offsets) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /** Bytes that were not read yet. */
    [[nodiscard]] std::size_t left() const noexcept { return data_.size() - at_; }

    std::int32_t i32() noexcept;
    std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(i32()); }
    std::int64_t i64() noexcept;
    std::uint64_t u64() noexcept { return static_cast<std::uint64_t>(i64()); }
    /** A string, empty for Android's null too. */
    std::u16string string16();
    /** What a call begins with; false, and not ok(), if it is for another interface. */
    bool token(std::u16string_view interface);
    /** A descriptor that the driver put there. */
    std::optional<Flat> fd() noexcept;
    /** An object; nothing for null, which is ok(). */
    std::optional<Flat> object() noexcept;

private:
    bool bytes(void* to, std::size_t size) noexcept;
    std::optional<Flat> flat() noexcept;

    std::span<const std::byte> data_;
    std::span<const std::uint64_t> offsets_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/prot.hpp>
#include <cstddef>
#include <span>
#include <system_error>
#include <type_traits>

namespace ashmem {

class Region;

/**
 * Part of a region in this process's memory, made by Region::map().
 *
 * It outlives the Region it came from and any narrowing of its protection.
 * Other processes may change the bytes at any moment: copy what you check.
 *
 * Layout, part of the ABI: pointer, size, Prot.
 */
class [[nodiscard]] ASHMEM_API Mapping final {
public:
    /** A mapping of nothing: empty bytes. */
    Mapping() noexcept = default;
    ~Mapping();

    Mapping(Mapping&& other) noexcept;
    /** Unmaps what this mapped before. */
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    /** Tell whether anything is mapped. */
    [[nodiscard]] bool ok() const noexcept { return data_ != nullptr; }

    /** What the bytes may be used for; other use ends in SIGSEGV. */
    [[nodiscard]] Prot protection() const noexcept { return protection_; }

    /** How many bytes are mapped. */
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /** @{ The mapped bytes, exactly as many as were asked for; not of a temporary. */
    [[nodiscard]] std::span<std::byte> bytes() & noexcept { return {data_, size_}; }
    [[nodiscard]] std::span<const std::byte> bytes() const& noexcept { return {data_, size_}; }
    std::span<std::byte> bytes() && = delete;
    std::span<const std::byte> bytes() const&& = delete;
    /** @} */

    /**
     * @{ The mapped bytes as objects of type T, of which any bytes must be a value: no bool.
     *
     * @throws std::system_error, or sets `ec` and returns an empty span:
     *         EINVAL if the size is not a multiple of T's, or T's alignment
     *         is more than the mapping has
     */
    template <class T>
    [[nodiscard]] std::span<T> as() & {
        check_view(sizeof(T), alignof(T));
        return view<T>();
    }
    template <class T>
    [[nodiscard]] std::span<const T> as() const& {
        check_view(sizeof(T), alignof(T));
        return view<const T>();
    }
    template <class T>
    [[nodiscard]] std::span<T> as(std::error_code& ec) & noexcept {
        check_view(sizeof(T), alignof(T), ec);
        return ec ? std::span<T>() : view<T>();
    }
    template <class T>
    [[nodiscard]] std::span<const T> as(std::error_code& ec) const& noexcept {
        check_view(sizeof(T), alignof(T), ec);
        return ec ? std::span<const T>() : view<const T>();
    }
    template <class T>
    std::span<const T> as() const&& = delete;
    template <class T>
    std::span<const T> as(std::error_code& ec) const&& = delete;
    /** @} */

    /**
     * @{ Unmap now rather than at the end of this object's life.
     *
     * @throws std::system_error, or sets `ec`: the errno of munmap(); the
     *         bytes stay mapped then
     */
    void unmap();
    void unmap(std::error_code& ec) noexcept;
    /** @} */

private:
    friend class Region;
    Mapping(std::byte* data, std::size_t size, Prot protection) noexcept
        : data_(data), size_(size), protection_(protection) {}

    void check_view(std::size_t size, std::size_t alignment) const;
    void check_view(std::size_t size, std::size_t alignment, std::error_code& ec) const noexcept;

    template <class T>
    [[nodiscard]] std::span<T> view() const noexcept {
        static_assert(std::is_trivially_copyable_v<T>, "shared bytes can only be plain data");
        static_assert(!std::is_same_v<std::remove_cv_t<T>, bool>,
                      "a byte of another process may be neither true nor false");
        return {reinterpret_cast<T*>(data_), size_ / sizeof(T)};
    }

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    Prot protection_ = Prot::none;
};

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <ashmem/api.hpp>
#include <bit>
#include <cstddef>
#include <span>
#include <system_error>
#include <type_traits>

namespace ashmem {

/**
 * @{ Copy bytes of a region that another process may be changing.
 *
 * Each byte is read once, so what is checked afterwards is what is used; a compiler
 * may otherwise read shared memory again between the two. A change that is under way
 * may be copied in part: data that must be consistent want a lock.
 *
 * @param shared bytes of a Mapping
 * @param offset where in them to begin
 * @param to what to fill
 * @throws std::system_error, or sets `ec` and leaves `to` alone: EINVAL if the bytes do
 *         not lie within `shared`
 */
ASHMEM_API void copy_out(std::span<const std::byte> shared, std::size_t offset,
                         std::span<std::byte> to);
ASHMEM_API void copy_out(std::span<const std::byte> shared, std::size_t offset,
                         std::span<std::byte> to, std::error_code& ec) noexcept;
/** @} */

/** Whether any bytes are a value of an enumeration: it has a type of its own to say so. */
template <class T>
concept FixedEnum = std::is_enum_v<T> && requires {
    T{0};
};

/**
 * A copy of an object in a region; errors as copy_out().
 *
 * Another process may have written any bytes. A bool is true for all of them but zero. In a
 * class let no member be one, nor an enumeration without `: type`: take std::uint8_t, and look
 * at it.
 */
template <class T>
[[nodiscard]] T snapshot(std::span<const std::byte> shared, std::size_t offset = 0) {
    static_assert(std::is_trivially_copyable_v<T>, "shared bytes can only be plain data");
    static_assert(!std::is_enum_v<T> || FixedEnum<T>,
                  "not all bytes are values of an enumeration without a type");
    if constexpr (std::is_same_v<T, bool>) {
        static_assert(sizeof(bool) == 1);
        return snapshot<std::byte>(shared, offset) != std::byte{0};
    } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) {
        return static_cast<T>(snapshot<std::underlying_type_t<T>>(shared, offset));
    } else {
        std::array<std::byte, sizeof(T)> bytes;
        copy_out(shared, offset, bytes);
        return std::bit_cast<T>(bytes);
    }
}

} // namespace ashmem

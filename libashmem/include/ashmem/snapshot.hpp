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

/** A copy of an object in a region; errors as copy_out(). */
template <class T>
[[nodiscard]] T snapshot(std::span<const std::byte> shared, std::size_t offset = 0) {
    static_assert(std::is_trivially_copyable_v<T>, "shared bytes can only be plain data");
    std::array<std::byte, sizeof(T)> bytes;
    copy_out(shared, offset, bytes);
    return std::bit_cast<T>(bytes);
}

} // namespace ashmem

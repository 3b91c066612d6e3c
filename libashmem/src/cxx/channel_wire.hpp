// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A channel's message as bytes, apart from sockets: what another process wrote is
 * judged here and nowhere else.
 */
#pragma once

#include <array>
#include <ashmem/channel.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace ashmem::wire {

constexpr std::uint32_t magic = 0x61736863;

struct Header {
    std::uint32_t data = 0;    ///< bytes that follow
    std::uint32_t regions = 0; ///< descriptors that came along
};

constexpr std::size_t header_size = 3 * sizeof(std::uint32_t);

[[nodiscard]] inline std::array<std::byte, header_size> encode(const Header& header) noexcept {
    const std::uint32_t numbers[] = {magic, header.data, header.regions};
    std::array<std::byte, header_size> bytes;
    std::memcpy(bytes.data(), numbers, header_size);
    return bytes;
}

/** Nothing if the bytes are no header, or one of a message that no Channel sends. */
[[nodiscard]] inline std::optional<Header> decode(
    std::span<const std::byte, header_size> bytes) noexcept {
    std::uint32_t numbers[3];
    std::memcpy(numbers, bytes.data(), header_size);
    if (numbers[0] != magic || numbers[1] > Channel::max_data_size ||
        numbers[2] > Channel::max_regions)
        return {};
    return Header{numbers[1], numbers[2]};
}

} // namespace ashmem::wire

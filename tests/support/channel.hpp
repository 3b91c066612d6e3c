// SPDX-License-Identifier: Apache-2.0
// Messages of a Channel as text, and as a peer that is no Channel writes them.
#pragma once

#include <ashmem/channel.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "support/sockets.hpp"

namespace test {

inline constexpr int socket_types[] = {SOCK_SEQPACKET, SOCK_STREAM};

inline std::pair<ashmem::Channel, ashmem::Channel> channels(int type) {
    auto [first, second] = socket_pair(type);
    return {ashmem::Channel(std::move(first)), ashmem::Channel(std::move(second))};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(const ashmem::Channel::Message& message) {
    return {reinterpret_cast<const char*>(message.data.data()), message.data.size()};
}

inline constexpr std::uint32_t magic = 0x61736863;
inline constexpr std::size_t header_size = 12;

// The header of a message, and so many bytes after it.
inline std::vector<std::byte> raw(std::uint32_t first, std::uint32_t data, std::uint32_t regions,
                                  std::size_t follow = 0) {
    const std::uint32_t words[] = {first, data, regions};
    std::vector<std::byte> bytes(sizeof(words) + follow, std::byte{'r'});
    std::memcpy(bytes.data(), words, sizeof(words));
    return bytes;
}

// Later than any claim takes, for what must not wait for ever.
inline ashmem::Channel::Clock::time_point late() {
    return ashmem::Channel::Clock::now() + std::chrono::seconds(30);
}

inline ashmem::Channel::Clock::time_point soon() {
    return ashmem::Channel::Clock::now() + std::chrono::milliseconds(20);
}

} // namespace test

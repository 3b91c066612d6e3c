// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A channel's message as bytes and descriptors, apart from sockets: what another process
 * sent is judged here and nowhere else.
 */
#pragma once

#include <algorithm>
#include <array>
#include <ashmem/channel.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "ancillary.hpp"
#include "error.hpp"

namespace ashmem::wire {

constexpr std::uint32_t magic = 0x61736863;

struct Header {
    std::uint32_t data = 0;    ///< bytes that follow
    std::uint32_t regions = 0; ///< descriptors that came along
};

constexpr std::size_t header_size = 3 * sizeof(std::uint32_t);

/** The most bytes of a packet, the header's too. */
constexpr std::size_t max_packet = std::size_t{1} << 16;
/**
 * The least of one that is not the message's last: the smallest buffer that a socket can
 * have takes it, and nobody can make a message of a million packets.
 */
constexpr std::size_t min_packet = std::size_t{1} << 12;

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

/**
 * The message that is arriving, part by part, with its descriptors.
 *
 * Put each part into space(), its descriptors into fds(), and tell by add() how long it
 * was. After an error only clear() is left.
 */
class Incoming {
public:
    /** @param packets whether each part is a packet; else they are pieces of a stream */
    explicit Incoming(bool packets) noexcept : packets_(packets) {}

    /** Where the next part goes; of a stream, no more than belongs to this message. */
    [[nodiscard]] std::span<std::byte> space() noexcept {
        const auto all = std::span(buffer_);
        if (packets_) return all;
        if (!header_) return all.first(header_size).subspan(begun_);
        return all.first(std::min(all.size(), missing()));
    }
    [[nodiscard]] ancillary::Fds& fds() noexcept { return fds_; }

    /** Judge a part. Memory is taken for what has come, not for what is announced. */
    [[nodiscard]] std::error_code add(std::size_t size) {
        auto bytes = std::span<const std::byte>(buffer_).first(size);
        if (!header_) {
            bytes = std::span<const std::byte>(buffer_).first(begun_ + size);
            if (bytes.size() < header_size && packets_) return to_code(EBADMSG);
            begun_ = bytes.size();
            if (begun_ < header_size) return {};
            header_ = decode(bytes.first<header_size>());
            if (!header_) return to_code(EBADMSG);
            bytes = bytes.subspan(header_size);
        }
        if (fds_.count() != header_->regions || bytes.size() > missing()) return to_code(EBADMSG);
        if (packets_ && size < min_packet && bytes.size() < missing()) return to_code(EBADMSG);
        data_.insert(data_.end(), bytes.begin(), bytes.end());
        return {};
    }

    [[nodiscard]] bool whole() const noexcept { return header_ && missing() == 0; }

    /** The message, which is whole, and be ready for the next one. */
    [[nodiscard]] Channel::Message take(std::error_code& ec) {
        Channel::Message message{std::move(data_), {}};
        message.regions.reserve(fds_.count());
        for (std::size_t at = 0; at < fds_.count(); ++at) {
            message.regions.push_back(Region::adopt(fds_.take(at), ec));
            if (ec) return {};
        }
        clear();
        return message;
    }

    /** Forget what has come, and close its descriptors. */
    void clear() noexcept {
        fds_.clear();
        data_ = {};
        header_.reset();
        begun_ = 0;
    }

private:
    [[nodiscard]] std::size_t missing() const noexcept { return header_->data - data_.size(); }

    bool packets_;
    std::size_t begun_ = 0; // bytes of the header
    std::optional<Header> header_;
    std::vector<std::byte> data_;
    ancillary::Fds fds_;
    std::array<std::byte, max_packet> buffer_; // not cleared: only what came is read
};

} // namespace ashmem::wire

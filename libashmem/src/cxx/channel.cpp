// SPDX-License-Identifier: Apache-2.0
// Channel: messages that carry regions, over a Unix stream socket.
#include <ashmem/channel.hpp>

#include <sys/socket.h>

#include <algorithm>

#include "ancillary.hpp"
#include "channel_wire.hpp"
#include "error.hpp"

namespace ashmem {
namespace {

/** Send all of it; the descriptors go with the first byte. */
std::error_code send_all(int socket, std::span<const std::byte> bytes,
                         std::span<const int> fds) noexcept {
    while (!bytes.empty()) {
        const ssize_t sent = ancillary::send(socket, bytes, fds);
        if (sent < 0) return to_code(errno);
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
        fds = {};
    }
    return {};
}

/** Receive exactly so much; descriptors that come along join `fds`. */
std::error_code receive_all(int socket, std::span<std::byte> bytes, ancillary::Fds& fds) noexcept {
    while (!bytes.empty()) {
        int flags = 0;
        const ssize_t got = ancillary::receive(socket, bytes, fds, flags);
        if (got < 0) return to_code(errno);
        if ((flags & MSG_CTRUNC) != 0) return to_code(EMSGSIZE);
        if (got == 0) return to_code(ECONNRESET);
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

std::error_code receive_message(int socket, Channel::Message& message) {
    ancillary::Fds fds;
    std::array<std::byte, wire::header_size> header_bytes;
    if (auto ec = receive_all(socket, header_bytes, fds)) return ec;
    const auto header = wire::decode(header_bytes);
    if (!header || header->regions != fds.count()) return to_code(EBADMSG);

    // In parts: memory is taken for what has come, not for what is announced.
    constexpr std::size_t part = std::size_t{1} << 16;
    while (message.data.size() < header->data) {
        const std::size_t done = message.data.size();
        message.data.resize(done + std::min(part, header->data - done));
        if (auto ec = receive_all(socket, std::span(message.data).subspan(done), fds)) return ec;
    }
    if (header->regions != fds.count()) return to_code(EBADMSG);

    message.regions.reserve(fds.count());
    for (auto& fd : fds.held()) {
        std::error_code ec;
        message.regions.push_back(Region::adopt(std::move(fd), ec));
        if (ec) return ec;
    }
    return {};
}

} // namespace

std::pair<Channel, Channel> Channel::pair(std::error_code& ec) noexcept {
    int ends[2] = {-1, -1};
    ec = code_of(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    return {Channel(unique_fd(ends[0])), Channel(unique_fd(ends[1]))};
}

std::pair<Channel, Channel> Channel::pair() {
    return throwing("ashmem::Channel::pair", [](auto& ec) { return pair(ec); });
}

void Channel::send(std::span<const std::byte> data, std::span<const Region> regions,
                   std::error_code& ec) noexcept {
    if (data.size() > max_data_size || regions.size() > max_regions) {
        ec = to_code(EMSGSIZE);
        return;
    }
    static_assert(max_regions == ancillary::max_fds);
    std::array<int, max_regions> fds{};
    std::ranges::transform(regions, fds.begin(), &Region::fd);
    if (std::ranges::any_of(regions, [](const Region& region) { return !region.ok(); })) {
        ec = to_code(EBADF);
        return;
    }
    const auto header = wire::encode(
        {static_cast<std::uint32_t>(data.size()), static_cast<std::uint32_t>(regions.size())});
    ec = send_all(fd(), header, std::span(fds).first(regions.size()));
    if (!ec) ec = send_all(fd(), data, {});
}

void Channel::send(std::span<const std::byte> data, std::span<const Region> regions) {
    throwing("ashmem::Channel::send", [&](auto& ec) { send(data, regions, ec); });
}

Channel::Message Channel::receive(std::error_code& ec) {
    Message message;
    ec = receive_message(fd(), message);
    if (!ec) return message;
    socket_.reset();
    return {};
}

Channel::Message Channel::receive() {
    return throwing("ashmem::Channel::receive", [this](auto& ec) { return receive(ec); });
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// Channel: messages that carry regions, over a Unix socket.
#include <ashmem/channel.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "ancillary.hpp"
#include "channel_wire.hpp"
#include "error.hpp"
#include "readiness.hpp"

namespace ashmem {

/*
 * Sender and receiver share the socket, whose number never changes, and `broken`. Only the
 * receiver touches `incoming`.
 */
struct Channel::Impl {
    Impl(unique_fd end, bool has_packets) noexcept
        : socket(std::move(end)), packets(has_packets), incoming(has_packets) {}

    /** Break; true if it was broken before. */
    bool break_off() noexcept {
        const bool before = broken.exchange(true);
        // Also if it was: its breaker may not have come to this yet.
        (void)::shutdown(socket.get(), SHUT_RDWR);
        return before;
    }

    std::error_code send(std::span<const std::byte> head, std::span<const std::byte> data,
                         std::span<const int> fds, const Deadline& until) noexcept;
    std::error_code gather(const Deadline& until);

    unique_fd socket;
    const bool packets;
    std::atomic<bool> broken{false};
    wire::Incoming incoming;
};

namespace {

int option(int socket, int name, std::error_code& ec) noexcept {
    int value = 0;
    socklen_t size = sizeof(value);
    ec = code_of(::getsockopt(socket, SOL_SOCKET, name, &value, &size));
    return value;
}

/** Whether a socket keeps packets apart; an error if no Channel can use it. */
bool keeps_packets(int socket, std::error_code& ec) noexcept {
    const int domain = option(socket, SO_DOMAIN, ec);
    if (!ec && domain != AF_UNIX) ec = to_code(EAFNOSUPPORT);
    if (ec) return false;
    const int type = option(socket, SO_TYPE, ec);
    if (!ec && type != SOCK_STREAM && type != SOCK_SEQPACKET) ec = to_code(EPROTOTYPE);
    return type == SOCK_SEQPACKET;
}

} // namespace

/*
 * A stream takes what it has room for. A packet goes whole or not at all; if the socket's
 * buffer is smaller than the packet, it never goes, and smaller ones do. Descriptors go
 * with what is sent first.
 */
std::error_code Channel::Impl::send(std::span<const std::byte> head,
                                    std::span<const std::byte> data, std::span<const int> fds,
                                    const Deadline& until) noexcept {
    const int flags = until ? MSG_DONTWAIT : 0;
    std::size_t most = packets ? wire::max_packet : head.size() + data.size();
    bool begun = false;
    std::error_code ec;
    while (!ec && !(head.empty() && data.empty())) {
        const auto part = data.first(std::min(data.size(), most - head.size()));
        const ssize_t sent = ancillary::send(socket.get(), head, part, fds, flags);
        if (sent >= 0) {
            const auto of_head = std::min(head.size(), static_cast<std::size_t>(sent));
            head = head.subspan(of_head);
            data = data.subspan(static_cast<std::size_t>(sent) - of_head);
            fds = {};
            begun = true;
        } else if (errno == EMSGSIZE && packets && most > wire::min_packet) {
            most /= 2;
        } else if (errno == EAGAIN && (begun || until)) {
            ec = wait_for(socket.get(), POLLOUT, until);
        } else {
            // the other end closed, and had not read everything
            ec = to_code(errno == ECONNRESET ? EPIPE : errno);
        }
    }
    if (!ec) return {};
    if (begun ? break_off() : broken.load()) return to_code(ECONNABORTED);
    return ec;
}

/** Receive until the message is whole. */
std::error_code Channel::Impl::gather(const Deadline& until) {
    const int wanted = until ? MSG_DONTWAIT : 0;
    while (!incoming.whole()) {
        const std::size_t fds_before = incoming.fds().count();
        const auto [got, flags] =
            ancillary::receive(socket.get(), incoming.space(), incoming.fds(), wanted);
        if (got < 0) {
            // The other end closed, and had not read everything. The kernel says so once,
            // before it gives what there is.
            if (errno == ECONNRESET) continue;
            if (errno != EAGAIN || !until) return to_code(errno);
            if (auto ec = wait_for(socket.get(), POLLIN, until)) return ec;
            continue;
        }
        if ((flags & MSG_CTRUNC) != 0) return to_code(EMSGSIZE);
        if ((flags & MSG_TRUNC) != 0) return to_code(EBADMSG);
        if (got == 0 && incoming.fds().count() == fds_before) return to_code(ECONNRESET);
        if (auto ec = incoming.add(static_cast<std::size_t>(got))) return ec;
    }
    return {};
}

Channel::Channel() noexcept = default;
Channel::Channel(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

Channel::Channel(unique_fd socket, std::error_code& ec) noexcept {
    const bool packets = keeps_packets(socket.get(), ec);
    if (ec) return;
    impl_.reset(new (std::nothrow) Impl(std::move(socket), packets));
    if (!impl_) ec = to_code(ENOMEM);
}

Channel::Channel(unique_fd socket)
    : Channel(
          throwing("ashmem::Channel", [&](auto& ec) { return Channel(std::move(socket), ec); })) {}

std::pair<Channel, Channel> Channel::pair(std::error_code& ec) noexcept {
    int ends[2] = {-1, -1};
    ec = code_of(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    if (ec) return {};
    unique_fd first(ends[0]), second(ends[1]);
    std::unique_ptr<Impl> impls[] = {
        std::unique_ptr<Impl>(new (std::nothrow) Impl(std::move(first), true)),
        std::unique_ptr<Impl>(new (std::nothrow) Impl(std::move(second), true))};
    if (!impls[0] || !impls[1]) {
        ec = to_code(ENOMEM);
        return {};
    }
    return {Channel(std::move(impls[0])), Channel(std::move(impls[1]))};
}

std::pair<Channel, Channel> Channel::pair() {
    return throwing("ashmem::Channel::pair", [](auto& ec) { return pair(ec); });
}

std::error_code Channel::send_by(const Deadline& until, std::span<const std::byte> data,
                                 std::span<const Region> regions) noexcept {
    if (!impl_) return to_code(EBADF);
    if (impl_->broken) return to_code(ECONNABORTED);
    if (data.size() > max_data_size || regions.size() > max_regions) return to_code(EMSGSIZE);
    static_assert(max_regions == ancillary::max_fds);
    std::array<int, max_regions> fds;
    std::ranges::transform(regions, fds.begin(), &Region::fd);
    if (std::ranges::any_of(regions, [](const Region& region) { return !region.ok(); }))
        return to_code(EBADF);
    const auto header = wire::encode(
        {static_cast<std::uint32_t>(data.size()), static_cast<std::uint32_t>(regions.size())});
    return impl_->send(header, data, std::span(fds).first(regions.size()), until);
}

void Channel::send(std::span<const std::byte> data, std::span<const Region> regions,
                   std::error_code& ec) noexcept {
    ec = send_by({}, data, regions);
}

void Channel::send(std::span<const std::byte> data, std::span<const Region> regions) {
    throwing("ashmem::Channel::send", [&](auto& ec) { send(data, regions, ec); });
}

void Channel::send_until(Clock::time_point until, std::span<const std::byte> data,
                         std::span<const Region> regions, std::error_code& ec) noexcept {
    ec = send_by(until, data, regions);
}

void Channel::send_until(Clock::time_point until, std::span<const std::byte> data,
                         std::span<const Region> regions) {
    throwing("ashmem::Channel::send_until",
             [&](auto& ec) { send_until(until, data, regions, ec); });
}

Channel::Message Channel::receive_by(const Deadline& until, std::error_code& ec) {
    Message message;
    if (!impl_) {
        ec = to_code(EBADF);
        return message;
    }
    Impl& impl = *impl_;
    ec = to_code(ECONNABORTED);
    if (!impl.broken) {
        try {
            ec = impl.gather(until);
            if (!ec) message = impl.incoming.take(ec);
        } catch (...) {
            impl.break_off();
            impl.incoming.clear();
            throw;
        }
        if (!ec) return message;
        const bool waited = ec.value() == EAGAIN || ec.value() == ETIMEDOUT;
        if (waited && !impl.broken) return message;
        if (impl.break_off()) ec = to_code(ECONNABORTED);
    }
    impl.incoming.clear();
    return message;
}

Channel::Message Channel::receive(std::error_code& ec) {
    return receive_by({}, ec);
}

Channel::Message Channel::receive() {
    return throwing("ashmem::Channel::receive", [this](auto& ec) { return receive(ec); });
}

Channel::Message Channel::receive_until(Clock::time_point until, std::error_code& ec) {
    return receive_by(until, ec);
}

Channel::Message Channel::receive_until(Clock::time_point until) {
    return throwing("ashmem::Channel::receive_until",
                    [&](auto& ec) { return receive_until(until, ec); });
}

std::optional<Channel::Message> Channel::try_receive(std::error_code& ec) {
    auto message = receive_by(Clock::time_point::min(), ec);
    if (!ec) return message;
    if (ec.value() == ETIMEDOUT) ec.clear();
    return {};
}

std::optional<Channel::Message> Channel::try_receive() {
    return throwing("ashmem::Channel::try_receive", [this](auto& ec) { return try_receive(ec); });
}

void Channel::shutdown() noexcept {
    if (impl_) impl_->break_off();
}

bool Channel::ok() const noexcept {
    return impl_ && !impl_->broken;
}

int Channel::fd() const noexcept {
    return impl_ ? impl_->socket.get() : -1;
}

unique_fd Channel::release() noexcept {
    if (!impl_) return {};
    unique_fd socket = std::move(impl_->socket);
    impl_.reset();
    return socket;
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/region.hpp>
#include <ashmem/unique_fd.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace ashmem {

/**
 * Messages of bytes and regions between two processes, over a connected Unix socket.
 *
 * A message arrives whole, in order, or not at all. Nothing that the other end sends is
 * trusted: a message that breaks the rules below is refused, and whatever descriptors
 * came with it are closed.
 *
 * A channel is whole or broken. It breaks when a message is refused, when an error comes
 * in the middle of one, when the other end is gone, and by shutdown(). The socket is then
 * shut down in both directions: the other end receives what was sent before, then
 * ECONNRESET; threads that wait in this channel wake; and every later call of it is
 * ECONNABORTED. The descriptor stays open, so that its number means nothing else, until
 * the channel is destroyed or assigned to.
 *
 * Threads: one may send while another receives, and any may call shutdown(), ok() and
 * fd() at any time. A channel has no lock: where several threads send, the caller must
 * see to it that one sends at a time, and so with several that receive. While a thread
 * moves, assigns to, releases or destroys a channel, no other may use it.
 *
 * A child of fork() has the same end of the socket: one of the two processes should
 * destroy its Channel, which says nothing to the other end, before either uses it.
 *
 * The socket is one of packets (SOCK_SEQPACKET, as pair() makes them) or a stream. Packets
 * take one system call to receive, a stream two.
 *
 * On the wire, numbers in the machine's own order: 0x61736863, bytes of data (u32),
 * number of regions (u32), the data. The descriptors come with the first byte. A packet
 * has at most 64 KiB; a longer message goes on in the next packets, each but the last of
 * 4 KiB or more.
 *
 * Layout, part of the ABI: one pointer.
 */
class [[nodiscard]] ASHMEM_API Channel final {
    struct ASHMEM_LOCAL Impl;

public:
    using Clock = std::chrono::steady_clock;

    /** The most data of a message, in bytes. */
    static constexpr std::size_t max_data_size = std::size_t{1} << 20;
    /** The most regions of a message: what the kernel carries. */
    static constexpr std::size_t max_regions = 253;

    struct Message {
        std::vector<std::byte> data;
        std::vector<Region> regions;
    };

    /** Not connected. */
    Channel() noexcept;
    /**
     * @{ Use a connected socket. On failure it is closed.
     *
     * Errors: EPROTOTYPE if it is neither a stream nor SOCK_SEQPACKET; EAFNOSUPPORT if it
     * is no Unix socket; ENOTSOCK; EBADF; ENOMEM.
     */
    explicit Channel(unique_fd socket);
    Channel(unique_fd socket, std::error_code& ec) noexcept;
    /** @} */
    Channel(Channel&&) noexcept;
    /** Closes the socket held before. */
    Channel& operator=(Channel&&) noexcept;
    ~Channel();

    /** @{ Two ends of a new channel, one for a child to inherit or to be passed on. */
    static std::pair<Channel, Channel> pair();
    static std::pair<Channel, Channel> pair(std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Send a message. The regions stay the caller's.
     *
     * Waits while the socket is full. On a non-blocking socket that is EAGAIN, but only
     * while nothing was sent: for the rest of a message it waits all the same.
     *
     * Errors after which the channel is as it was, for nothing was sent: EMSGSIZE beyond
     * max_data_size or max_regions; EBADF if not connected, or for an empty Region; EPIPE
     * if the other end is gone, without a signal, and what it sent can still be received;
     * EAGAIN; the errno of sendmsg(). Any of these in the middle of a message breaks the
     * channel. ECONNABORTED if it was broken, or was while this waited.
     */
    void send(std::span<const std::byte> data, std::span<const Region> regions = {});
    void send(std::span<const std::byte> data, std::span<const Region> regions,
              std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Send a message, and wait no longer than until a time for any of it.
     *
     * Errors: as send(), but never EAGAIN; ETIMEDOUT, which breaks the channel if a part
     * of the message was sent: ok() tells.
     */
    void send_until(Clock::time_point until, std::span<const std::byte> data,
                    std::span<const Region> regions = {});
    void send_until(Clock::time_point until, std::span<const std::byte> data,
                    std::span<const Region> regions, std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Wait for a message.
     *
     * EAGAIN, on a non-blocking socket, leaves the channel as it is: what came of a message
     * is kept, and a later call goes on with it. EBADF if not connected.
     *
     * Errors that break the channel: ECONNRESET if the other end closed, or died within a
     * message; EBADMSG for what is no message, or one whose descriptors are not as many as
     * it says; ENOTTY if one of them is no region; EMSGSIZE if this process has no numbers
     * left for them; the errno of recvmsg(). std::bad_alloc, which both forms may throw,
     * does so too. ECONNABORTED if it was broken, or was while this waited.
     */
    [[nodiscard]] Message receive();
    Message receive(std::error_code& ec);
    /** @} */

    /**
     * @{ Wait for a message until a time.
     *
     * Errors: as receive(), but never EAGAIN; ETIMEDOUT, after which the channel is as
     * it was, and what came of a message is kept for the next call.
     */
    [[nodiscard]] Message receive_until(Clock::time_point until);
    Message receive_until(Clock::time_point until, std::error_code& ec);
    /** @} */

    /**
     * @{ Receive a message if all of it is there; nothing, and no error, if not.
     *
     * What came of a message is kept for the next call. Errors: as receive(), never EAGAIN.
     */
    [[nodiscard]] std::optional<Message> try_receive();
    std::optional<Message> try_receive(std::error_code& ec);
    /** @} */

    /** Break the channel, from any thread. Nothing if not connected. */
    void shutdown() noexcept;

    /** Tell whether there is a channel that is not broken. */
    [[nodiscard]] bool ok() const noexcept;

    /**
     * The socket, which stays owned; -1 if not connected.
     *
     * For poll(): POLLIN says that try_receive() has something to look at, maybe a part of
     * a message, or the end. A channel never reads beyond the message that it returns, so
     * POLLIN says of the next one too. POLLOUT says that a send can begin.
     */
    [[nodiscard]] int fd() const noexcept;
    /** Give the socket away. What came of a message that is not whole is lost. */
    unique_fd release() noexcept;

private:
    ASHMEM_LOCAL explicit Channel(std::unique_ptr<Impl> impl) noexcept;
    ASHMEM_LOCAL std::error_code send_by(const std::optional<Clock::time_point>& until,
                                         std::span<const std::byte> data,
                                         std::span<const Region> regions) noexcept;
    ASHMEM_LOCAL Message receive_by(const std::optional<Clock::time_point>& until,
                                    std::error_code& ec);

    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem

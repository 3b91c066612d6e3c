// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/region.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace ashmem {

/**
 * Messages of bytes and regions between two processes, over a Unix stream socket.
 *
 * A message arrives whole, in order, or not at all. Nothing that the other end
 * sends is trusted: a message that breaks the rules below is refused, whatever
 * descriptors came with it are closed, and the channel can't be used further, for
 * where the next message begins is no longer known.
 *
 * On the wire, numbers in the machine's own order: 0x61736863, bytes of data (u32),
 * number of regions (u32), the data. The descriptors come with the first byte.
 *
 * One thread may send while another receives; otherwise one at a time.
 */
class [[nodiscard]] ASHMEM_API Channel final {
public:
    /** The most data of a message, in bytes. */
    static constexpr std::size_t max_data_size = std::size_t{1} << 20;
    /** The most regions of a message: what the kernel carries. */
    static constexpr std::size_t max_regions = 253;

    struct Message {
        std::vector<std::byte> data;
        std::vector<Region> regions;
    };

    /** Not connected. */
    Channel() noexcept = default;
    /** Use a connected Unix stream socket. */
    explicit Channel(unique_fd socket) noexcept : socket_(static_cast<unique_fd&&>(socket)) {}

    /** @{ Two ends of a new channel, one for a child to inherit or to be passed on. */
    static std::pair<Channel, Channel> pair();
    static std::pair<Channel, Channel> pair(std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Send a message. The regions stay the caller's.
     *
     * Errors: EMSGSIZE beyond max_data_size or max_regions, and nothing was sent;
     * EBADF for a closed channel or an empty Region; EPIPE if the other end is
     * gone, without a signal; the errno of sendmsg().
     */
    void send(std::span<const std::byte> data, std::span<const Region> regions = {});
    void send(std::span<const std::byte> data, std::span<const Region> regions,
              std::error_code& ec) noexcept;
    /** @} */

    /**
     * @{ Wait for a message.
     *
     * May throw std::bad_alloc. Errors: ECONNRESET if the other end closed, or
     * died within a message; EBADMSG for what is no message, or one whose
     * descriptors are not as many as it says; ENOTTY if one of them is no region;
     * EMSGSIZE if this process has no numbers left for them; the errno of
     * recvmsg(). After any of these the channel is closed.
     */
    [[nodiscard]] Message receive();
    Message receive(std::error_code& ec);
    /** @} */

    /** The socket, which stays owned, for poll(). -1 if closed. */
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /** Give the socket away. */
    unique_fd release() noexcept { return static_cast<unique_fd&&>(socket_); }

private:
    unique_fd socket_;
};

} // namespace ashmem

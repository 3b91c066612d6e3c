// SPDX-License-Identifier: Apache-2.0
// send_fd() and receive_fd(): one descriptor over a Unix socket.
#include <ashmem/fd_passing.hpp>

#include <sys/socket.h>

#include <array>
#include <utility>

#include "ancillary.hpp"
#include "error.hpp"

namespace ashmem {

void send_fd(int sock, int fd, std::error_code& ec) noexcept {
    ec = code_of(ancillary::send(sock, std::array{std::byte{0}}, {}, std::array{fd}));
}

void send_fd(int sock, int fd) {
    throwing("ashmem::send_fd", [&](auto& ec) { send_fd(sock, fd, ec); });
}

unique_fd receive_fd(int sock, std::error_code& ec) noexcept {
    std::array<std::byte, 1> byte;
    ancillary::Fds fds;
    const auto [got, flags] = ancillary::receive(sock, byte, fds);
    ec = code_of(got);
    if (ec) return {};
    if ((flags & MSG_CTRUNC) != 0) {
        ec = to_code(EMSGSIZE);
    } else if (got == 0 && fds.count() == 0) {
        ec = to_code(ECONNRESET);
    } else if (fds.count() != 1 || got != 1 || (flags & MSG_TRUNC) != 0) {
        ec = to_code(EBADMSG);
    }
    return ec ? unique_fd() : fds.take(0);
}

unique_fd receive_fd(int sock) {
    return throwing("ashmem::receive_fd", [&](auto& ec) { return receive_fd(sock, ec); });
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/uio.h>

#include <ashmem/passing.hpp>
#include <cstddef>
#include <cstring>
#include <utility>

#include "error.hpp"

namespace ashmem {
namespace {

// The most that one message may carry (the kernel's SCM_MAX_FD), so that a
// surplus arrives, and can be told from a full descriptor table.
constexpr std::size_t max_fds = 253;

// Sender's credentials join the message if the receiver's socket asks for them.
constexpr std::size_t control_size =
    CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(max_fds * sizeof(int));

bool carries_fds(const cmsghdr& header) noexcept {
    return header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS;
}

/** Take the descriptors of one control message: the first is kept, the rest closed. */
std::size_t take_fds(cmsghdr& header, unique_fd& kept) noexcept {
    const std::size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(&header) + i * sizeof(int), sizeof(int));
        unique_fd fd(number);
        if (!kept.ok()) kept = std::move(fd);
    }
    return count;
}

} // namespace

void send_fd(int sock, int fd, std::error_code& ec) noexcept {
    char byte = 0;
    iovec data{&byte, sizeof(byte)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};

    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);

    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));

    ssize_t sent;
    do {
        sent = ::sendmsg(sock, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    ec = code_of(sent);
}

void send_fd(int sock, int fd) {
    throwing("ashmem::send_fd", [&](auto& ec) { send_fd(sock, fd, ec); });
}

unique_fd receive_fd(int sock, std::error_code& ec) noexcept {
    char byte = 0;
    iovec data{&byte, sizeof(byte)};
    alignas(cmsghdr) char control[control_size];

    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);

    ssize_t got;
    do {
        got = ::recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    ec = code_of(got);
    if (ec) return {};

    unique_fd fd;
    std::size_t count = 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (carries_fds(*header)) count += take_fds(*header, fd);
    }

    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        ec = to_code(EMSGSIZE);
    } else if (got == 0 && count == 0) {
        ec = to_code(ECONNRESET);
    } else if (count != 1 || got != 1 || (message.msg_flags & MSG_TRUNC) != 0) {
        ec = to_code(EBADMSG);
    }
    return ec ? unique_fd() : std::move(fd);
}

unique_fd receive_fd(int sock) {
    return throwing("ashmem::receive_fd", [&](auto& ec) { return receive_fd(sock, ec); });
}

} // namespace ashmem

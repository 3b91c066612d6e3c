// SPDX-License-Identifier: Apache-2.0
// Sends and receives bytes with descriptors; descriptors that do not fit are closed.
#include "ancillary.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace ashmem::ancillary {
namespace {

// Sender's credentials join the message if the receiver's socket asks for them.
constexpr std::size_t control_size =
    CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(max_fds * sizeof(int));

bool carries_fds(const cmsghdr& header) noexcept {
    return header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS;
}

void take_fds(msghdr& message, Fds& fds) noexcept {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (!carries_fds(*header)) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            fds.add(unique_fd(number));
        }
    }
}

} // namespace

ssize_t send(int socket, std::span<const std::byte> bytes, std::span<const int> fds) noexcept {
    iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(max_fds * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    ssize_t sent;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t receive(int socket, std::span<std::byte> bytes, Fds& fds, int& flags) noexcept {
    iovec data{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[control_size];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);

    ssize_t got;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return got;
    take_fds(message, fds);
    flags = message.msg_flags;
    return got;
}

} // namespace ashmem::ancillary

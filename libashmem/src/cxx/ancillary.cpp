// SPDX-License-Identifier: Apache-2.0
// Sends and receives bytes with descriptors; descriptors that do not fit are closed.
#include "ancillary.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace ashmem::ancillary {
namespace {

// To pass a copy of a few bytes costs less than to have the kernel read a msghdr.
constexpr std::size_t worth_copying = 1024;

// The sender's credentials, or a pidfd of it, join the message if the receiver's
// socket asks for them.
constexpr std::size_t control_size =
    CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(max_fds * sizeof(int));

// Older headers do not know it.
constexpr int scm_pidfd = 0x04;

bool carries_fds(const cmsghdr& header) noexcept {
    return header.cmsg_level == SOL_SOCKET &&
           (header.cmsg_type == SCM_RIGHTS || header.cmsg_type == scm_pidfd);
}

/** Descriptors that the other end sent are added to `fds`; what the kernel adds is closed. */
void take_fds(msghdr& message, Fds& fds) noexcept {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (!carries_fds(*header)) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            unique_fd fd(number);
            if (header->cmsg_type == SCM_RIGHTS) fds.add(std::move(fd));
        }
    }
}

ssize_t send_bytes(int socket, std::span<const std::byte> bytes, int flags) noexcept {
    ssize_t sent;
    do {
        sent = ::send(socket, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t send_message(int socket, const msghdr& message, int flags) noexcept {
    ssize_t sent;
    do {
        sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

} // namespace

ssize_t send(int socket, std::span<const std::byte> head, std::span<const std::byte> body,
             std::span<const int> fds, int flags) noexcept {
    if (fds.empty()) {
        if (head.empty()) return send_bytes(socket, body, flags);
        if (body.empty()) return send_bytes(socket, head, flags);
        if (head.size() + body.size() <= worth_copying) {
            std::array<std::byte, worth_copying> both;
            std::memcpy(both.data(), head.data(), head.size());
            std::memcpy(both.data() + head.size(), body.data(), body.size());
            return send_bytes(socket, std::span(both).first(head.size() + body.size()), flags);
        }
    }
    iovec parts[] = {{const_cast<std::byte*>(head.data()), head.size()},
                     {const_cast<std::byte*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (fds.empty()) return send_message(socket, message, flags);

    // all of it is sent, padding too
    alignas(cmsghdr) char control[CMSG_SPACE(max_fds * sizeof(int))] = {};
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    return send_message(socket, message, flags);
}

Received receive(int socket, std::span<std::byte> bytes, Fds& fds, int flags) noexcept {
    iovec data{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[control_size];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);

    ssize_t got;
    do {
        got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return {};
    take_fds(message, fds);
    return {got, message.msg_flags};
}

} // namespace ashmem::ancillary

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Bytes with descriptors over a Unix socket: one sendmsg() and one recvmsg().
 */
#pragma once

#include <sys/types.h>

#include <array>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <span>

namespace ashmem::ancillary {

// The most that one message may carry (the kernel's SCM_MAX_FD), so that a
// surplus arrives, and can be told from a full descriptor table.
inline constexpr std::size_t max_fds = 253;

/**
 * Send the bytes of `head`, then those of `body`, and up to max_fds descriptors.
 *
 * @param flags of sendmsg(), beside MSG_NOSIGNAL
 * @return what sendmsg() answers, EINTR excepted
 */
[[nodiscard]] ssize_t send(int socket, std::span<const std::byte> head,
                           std::span<const std::byte> body, std::span<const int> fds,
                           int flags = 0) noexcept;

/** Descriptors as they arrive, owned. */
class Fds {
public:
    Fds() noexcept {} // which leaves numbers that nobody reads as they are
    ~Fds() { clear(); }
    Fds(const Fds&) = delete;
    Fds& operator=(const Fds&) = delete;

    /** Own one more. What does not fit is closed, and counted. */
    void add(unique_fd fd) noexcept {
        if (count_ < max_fds) all_[count_] = fd.release();
        ++count_;
    }
    /** All that arrived, of which no more than max_fds are held. */
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /** Give one of those away that are held. */
    [[nodiscard]] unique_fd take(std::size_t at) noexcept {
        unique_fd fd(all_[at]);
        all_[at] = -1;
        return fd;
    }
    /** Close them all, and count from 0. */
    void clear() noexcept {
        for (std::size_t at = 0; at < count_ && at < max_fds; ++at)
            (void)take(at);
        count_ = 0;
    }

private:
    std::array<int, max_fds> all_;
    std::size_t count_ = 0;
};

/** What came by one receive(). */
struct Received {
    ssize_t bytes = -1; ///< what recvmsg() answers, EINTR excepted
    int flags = 0;      ///< MSG_CTRUNC if the kernel could not hand over all that was sent
};

/**
 * Receive up to so many bytes; descriptors, close-on-exec, join `fds`.
 *
 * @param flags of recvmsg(), beside MSG_CMSG_CLOEXEC
 */
[[nodiscard]] Received receive(int socket, std::span<std::byte> bytes, Fds& fds,
                               int flags = 0) noexcept;

} // namespace ashmem::ancillary

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

/** Send bytes and up to max_fds descriptors; what sendmsg() answers. No SIGPIPE. */
[[nodiscard]] ssize_t send(int socket, std::span<const std::byte> bytes,
                           std::span<const int> fds) noexcept;

/** Descriptors as they arrive, owned. */
class Fds {
public:
    /** Own one more. What does not fit is closed, and counted. */
    void add(unique_fd fd) noexcept {
        if (count_ < max_fds) all_[count_] = static_cast<unique_fd&&>(fd);
        ++count_;
    }
    /** All that arrived, of which no more than max_fds are held. */
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::span<unique_fd> held() noexcept {
        return std::span(all_).first(count_ < max_fds ? count_ : max_fds);
    }

private:
    std::array<unique_fd, max_fds> all_;
    std::size_t count_ = 0;
};

/**
 * Receive up to so many bytes; descriptors, close-on-exec, join `fds`.
 *
 * @param flags is set to the message's: MSG_CTRUNC if the kernel could not hand
 *        over all that was sent
 * @return what recvmsg() answers
 */
[[nodiscard]] ssize_t receive(int socket, std::span<std::byte> bytes, Fds& fds,
                              int& flags) noexcept;

} // namespace ashmem::ancillary

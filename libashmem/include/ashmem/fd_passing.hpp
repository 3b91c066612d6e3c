// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/unique_fd.hpp>
#include <system_error>

namespace ashmem {

/**
 * @{ Send a descriptor, with one byte of data, over a Unix socket.
 *
 * The receiver gets a descriptor of its own to the same open file; the
 * sender's stays as it is.
 *
 * @throws std::system_error, or sets `ec`: the errno of sendmsg(); EPIPE if
 *         the other end is closed, without a signal
 */
ASHMEM_API void send_fd(int sock, int fd);
ASHMEM_API void send_fd(int sock, int fd, std::error_code& ec) noexcept;
/** @} */

/**
 * @{ Receive one descriptor, close-on-exec, with one byte of any value.
 *
 * Whatever came with a message that is refused is closed.
 *
 * @throws std::system_error, or sets `ec` and returns an empty unique_fd:
 *         ECONNRESET if the other end closed without sending;
 *         EBADMSG for a message without a descriptor, with several, or, on a
 *         socket that keeps messages apart, with more than one byte;
 *         EMSGSIZE if the kernel could not hand over all that was sent, for
 *         example because this process has no descriptor numbers left;
 *         the errno of recvmsg()
 */
ASHMEM_API unique_fd receive_fd(int sock);
ASHMEM_API unique_fd receive_fd(int sock, std::error_code& ec) noexcept;
/** @} */

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// unique_fd: closes a descriptor and keeps errno.
#include <ashmem/unique_fd.hpp>

#include <unistd.h>

#include <cerrno>

namespace ashmem {

void unique_fd::reset(int fd) noexcept {
    const int old = fd_;
    fd_ = fd;
    if (old < 0 || old == fd) return;

    // Runs in destructors on error paths, where errno is about to be read.
    const int error = errno;
    ::close(old);
    errno = error;
}

} // namespace ashmem

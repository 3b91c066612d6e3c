// SPDX-License-Identifier: Apache-2.0
// A stdio stream of an emulated region.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "real.hpp"
#include "region.hpp"

namespace ashmem::preload::region {
namespace {

int descriptor(void* cookie) noexcept {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(cookie));
}

ssize_t read_stream(void* cookie, char* to, std::size_t size) noexcept {
    const iovec part{to, size};
    return read(descriptor(cookie), &part, 1, nullptr);
}

/** stdio takes 0 for an error. */
ssize_t write_stream(void*, const char*, std::size_t) noexcept {
    errno = EINVAL;
    return 0;
}

int seek_stream(void* cookie, off64_t* offset, int whence) noexcept {
    const off_t at = seek(descriptor(cookie), *offset, whence);
    if (at >= 0) *offset = at;
    return at < 0 ? -1 : 0;
}

int close_stream(void* cookie) noexcept {
    return ::close(descriptor(cookie));
}

/** As fdopen() has it: what a stream does, its descriptor must allow. */
bool allows(int fd, const char* mode) noexcept {
    const bool both = std::strchr(mode, '+') != nullptr;
    return ((!both && *mode != 'r') || real::may_read(fd)) &&
           ((!both && *mode == 'r') || real::may_write(fd));
}

} // namespace

FILE* stream(int fd, const char* mode) noexcept {
    if (!allows(fd, mode)) {
        errno = EINVAL;
        return nullptr;
    }
    void* const cookie = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
    return ::fopencookie(cookie, mode, {read_stream, write_stream, seek_stream, close_stream});
}

} // namespace ashmem::preload::region

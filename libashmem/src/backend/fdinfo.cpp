// SPDX-License-Identifier: Apache-2.0
// Reads the size of a region from /proc/self/fdinfo.
#include "fdinfo.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "find_number.hpp"

namespace ashmem {
namespace {

// The kernel's own lines, and a name of 255 bytes in octal escapes.
constexpr std::size_t text_size = 2048;

/** Read a whole small file; false if it is not there or does not fit. */
bool read_text(const char* path, char (&text)[text_size]) noexcept {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;

    std::size_t length = 0;
    ssize_t got = 0;
    do {
        got = ::read(fd, text + length, text_size - 1 - length);
        if (got > 0) length += static_cast<std::size_t>(got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    ::close(fd);

    text[length] = '\0';
    return got == 0 && length < text_size - 1;
}

} // namespace

bool fdinfo_number(int fd, const char* key, std::uint64_t& value) noexcept {
    const int error = errno;
    // Not /proc/self: a thread may have a descriptor table of its own.
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
    char text[text_size];
    const bool found = read_text(path, text) && find_number(text, key, value);
    errno = error;
    return found;
}

} // namespace ashmem

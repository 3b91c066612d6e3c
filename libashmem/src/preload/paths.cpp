// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Interposes on libc's open: /dev/ashmem is there.
 */
#include <fcntl.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "../posix.hpp"
#include "node.hpp"
#include "numbers.hpp"
#include "shim.hpp"
#include "state.hpp"

// The names are libc's, and the optional argument is always declared.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
namespace {

using namespace ashmem::preload;

using Open = int(const char*, int, ...);
using OpenAt = int(int, const char*, int, ...);
using Open2 = int(const char*, int);
using OpenAt2 = int(int, const char*, int);

bool there_is_no_device(int error) noexcept {
    return error == ENOENT || error == ENXIO || error == ENODEV || error == EACCES ||
           error == EPERM;
}

/** What is at the path, if that is the driver; else -1, as if nothing were there. */
template <class Real>
int open_driver(Real real, int flags) noexcept {
    const int fd = real(flags);
    if (fd < 0 || node::is_driver(fd)) return fd;
    ::close(fd);
    return failed(ENOENT);
}

/** Open /dev/ashmem: the real one if there is one, else ours. Nothing is ever made there. */
template <class Real>
int open_device(int flags, Real real) noexcept {
    const node::When choice = node::emulated();
    if (choice == node::When::invalid) return failed(EINVAL);
    if (choice != node::When::always) {
        const bool making = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
        const int fd = open_driver(real, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
        if (fd >= 0 && making) ::close(fd);
        if (fd >= 0) return making ? failed(EEXIST) : fd;
        if (choice == node::When::never || !there_is_no_device(errno)) return -1;
    }
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return failed(EEXIST);
    if ((flags & O_DIRECTORY) != 0) return failed(ENOTDIR);
    if ((flags & O_PATH) == 0 && (flags & O_DIRECT) != 0) return failed(EINVAL);
    return create(flags);
}

/** A file of /proc may lead to a region that is open already. */
bool leads_anywhere(const char* path) noexcept {
    path = node::maybe_null(path);
    return path != nullptr && std::strncmp(path, "/proc/", sizeof("/proc/") - 1) == 0;
}

template <class Real>
int open_any(const char* path, int flags, Real real) noexcept {
    const bool is_device = node::is_at(path);
    const int fd = is_device ? open_device(flags, real) : real(flags);
    if (is_device || leads_anywhere(path)) numbers::forget(fd);
    return fd;
}

} // namespace

#define MODE                                                          \
    mode_t mode = 0;                                                  \
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list arguments;                                            \
        va_start(arguments, flags);                                   \
        mode = va_arg(arguments, mode_t);                             \
        va_end(arguments);                                            \
    }

#define OPEN(name)                                                                         \
    EXPORT int name(const char* path, int flags, ...) {                                    \
        MODE return open_any(path, flags,                                                  \
                             [&](int how) { return NEXT(Open, #name, path, how, mode); }); \
    }
#define OPENAT(name)                                                                             \
    EXPORT int name(int folder, const char* path, int flags, ...) {                              \
        MODE return open_any(                                                                    \
            path, flags, [&](int how) { return NEXT(OpenAt, #name, folder, path, how, mode); }); \
    }
#define OPEN2(name)                                                                           \
    EXPORT int name(const char* path, int flags) {                                            \
        return open_any(path, flags, [&](int how) { return NEXT(Open2, #name, path, how); }); \
    }
#define OPENAT2(name)                                                                      \
    EXPORT int name(int folder, const char* path, int flags) {                             \
        return open_any(path, flags,                                                       \
                        [&](int how) { return NEXT(OpenAt2, #name, folder, path, how); }); \
    }

#pragma GCC diagnostic ignored "-Wmissing-declarations"
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN2(__open_2)
OPEN2(__open64_2)
OPENAT2(__openat_2)
OPENAT2(__openat64_2)

EXPORT int creat(const char* path, mode_t mode) {
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
EXPORT int creat64(const char* path, mode_t mode) {
    return open64(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
// NOLINTEND(bugprone-reserved-identifier,*-valist.Uninitialized)

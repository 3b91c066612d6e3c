// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Interposes on libc's stat and access: /dev/ashmem is there, and what was opened by that
 * name shows as the device. A region is told by what the kernel says of its file, so that
 * nothing else pays for the question.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node.hpp"
#include "shim.hpp"
#include "state.hpp"

// The names are libc's.
// NOLINTBEGIN(bugprone-reserved-identifier)
static_assert(sizeof(off_t) == sizeof(long) && sizeof(struct stat) == sizeof(struct stat64),
              "this is for 64-bit programs, whose functions of either name are the same");

namespace {

using namespace ashmem::preload;

using Stat = int(const char*, struct stat*);
using StatAt = int(int, const char*, struct stat*, int);
using FdStat = int(int, struct stat*);

/** Whether a file is a region's. One that was opened with O_PATH tells nothing else. */
bool is_of_region(const struct stat& status) noexcept {
    return S_ISREG(status.st_mode) && status.st_size == file_size && status.st_nlink == 0;
}
bool is_of_region(const struct statx& status) noexcept {
    constexpr auto size = static_cast<std::uint64_t>(file_size);
    return S_ISREG(status.stx_mode) && status.stx_size == size && status.stx_nlink == 0;
}

template <class Status>
int show_node(Status& status) noexcept {
    node::show(status);
    return 0;
}

/** The answer of libc, which a region's own takes the place of. */
template <class Status>
int shown(int ret, Status& status) noexcept {
    if (ret == 0 && is_of_region(status)) node::show(status);
    return ret;
}

struct stat* plain(struct stat64* status) noexcept {
    return reinterpret_cast<struct stat*>(status);
}

int access_node(int mode) noexcept {
    return (mode & X_OK) != 0 ? failed(EACCES) : 0;
}

} // namespace

#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define STAT(name)                                                                    \
    EXPORT int name(const char* path, struct stat* status) noexcept {                 \
        return node::is_ours(path) ? show_node(*status)                               \
                                   : shown(NEXT(Stat, #name, path, status), *status); \
    }                                                                                 \
    EXPORT int name##64(const char* path, struct stat64* status) noexcept {           \
        return name(path, plain(status));                                             \
    }
STAT(stat)
STAT(lstat)
EXPORT int fstat(int fd, struct stat* status) noexcept {
    return shown(NEXT(FdStat, "fstat", fd, status), *status);
}
EXPORT int fstat64(int fd, struct stat64* status) noexcept {
    return fstat(fd, plain(status));
}
EXPORT int fstatat(int folder, const char* path, struct stat* status, int flags) noexcept {
    return node::is_ours(path)
               ? show_node(*status)
               : shown(NEXT(StatAt, "fstatat", folder, path, status, flags), *status);
}
EXPORT int fstatat64(int folder, const char* path, struct stat64* status, int flags) noexcept {
    return fstatat(folder, path, plain(status), flags);
}
EXPORT int statx(int folder, const char* path, int flags, unsigned mask,
                 struct statx* status) noexcept {
    using StatX = int(int, const char*, int, unsigned, struct statx*);
    return node::is_ours(path)
               ? show_node(*status)
               : shown(NEXT(StatX, "statx", folder, path, flags, mask, status), *status);
}

// Programs that were linked before glibc 2.33 ask so.
EXPORT int __xstat(int, const char* path, struct stat* status) noexcept {
    return stat(path, status);
}
EXPORT int __xstat64(int, const char* path, struct stat64* status) noexcept {
    return stat(path, plain(status));
}
EXPORT int __lxstat(int, const char* path, struct stat* status) noexcept {
    return lstat(path, status);
}
EXPORT int __lxstat64(int, const char* path, struct stat64* status) noexcept {
    return lstat(path, plain(status));
}
EXPORT int __fxstat(int, int fd, struct stat* status) noexcept {
    return fstat(fd, status);
}
EXPORT int __fxstat64(int, int fd, struct stat64* status) noexcept {
    return fstat(fd, plain(status));
}

EXPORT int access(const char* path, int mode) noexcept {
    using Access = int(const char*, int);
    return node::is_ours(path) ? access_node(mode) : NEXT(Access, "access", path, mode);
}
EXPORT int eaccess(const char* path, int mode) noexcept {
    using Access = int(const char*, int);
    return node::is_ours(path) ? access_node(mode) : NEXT(Access, "eaccess", path, mode);
}
EXPORT int euidaccess(const char* path, int mode) noexcept {
    return eaccess(path, mode);
}
EXPORT int faccessat(int folder, const char* path, int mode, int flags) noexcept {
    using Access = int(int, const char*, int, int);
    return node::is_ours(path) ? access_node(mode)
                               : NEXT(Access, "faccessat", folder, path, mode, flags);
}
// NOLINTEND(bugprone-reserved-identifier)

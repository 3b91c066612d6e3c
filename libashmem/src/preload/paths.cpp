// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Stands before libc's open, stat and access: /dev/ashmem is there, and what was opened
 * by that name shows as the device.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "shim.hpp"
#include "state.hpp"

// The names are libc's, and what stands for a variable argument is always there.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
static_assert(sizeof(off_t) == sizeof(long) && sizeof(struct stat) == sizeof(struct stat64),
              "this is for 64-bit programs, whose functions of either name are the same");

namespace {

using namespace ashmem::preload;

using Open = int(const char*, int, ...);
using OpenAt = int(int, const char*, int, ...);
using Open2 = int(const char*, int);
using OpenAt2 = int(int, const char*, int);
using Stat = int(const char*, void*);
using StatAt = int(int, const char*, void*, int);
using FdStat = int(int, void*);

constexpr char device_path[] = "/dev/ashmem";
constexpr unsigned misc_major = 10, emulated_minor = 255; // MISC_DYNAMIC_MINOR, which no node has

/** Whether the environment lets regions be emulated: always, or where there is no device. */
enum class When { never, without_device, always, invalid };

When when() noexcept {
    const char* const text = ::secure_getenv("LIBASHMEM_BACKEND");
    if (text == nullptr || *text == '\0' || std::strcmp(text, "auto") == 0)
        return When::without_device;
    if (std::strcmp(text, "memfd") == 0) return When::always;
    if (std::strcmp(text, "device") == 0) return When::never;
    return When::invalid;
}

bool is_device(const char* path) noexcept {
    return path != nullptr && std::strcmp(path, device_path) == 0;
}

bool there_is_no_device(int error) noexcept {
    return error == ENOENT || error == ENXIO || error == ENODEV || error == EACCES ||
           error == EPERM;
}

bool device_is_absent() noexcept {
    const int error = errno;
    const bool there = ::syscall(SYS_faccessat, AT_FDCWD, device_path, R_OK | W_OK) == 0;
    errno = error;
    return !there;
}

/** Whether to make a path that has no device look as if it had one. */
bool emulates(const char* path) noexcept {
    if (!is_device(path)) return false;
    const When choice = when();
    return choice == When::always || (choice == When::without_device && device_is_absent());
}

/** Open /dev/ashmem: the real one if there is one, else ours. */
template <class Real>
int open_device(int flags, Real real) noexcept {
    const When choice = when();
    if (choice == When::invalid) return failed(EINVAL);
    if (choice != When::always) {
        const int fd = real();
        if (fd >= 0 || choice == When::never || !there_is_no_device(errno)) return fd;
    }
    if ((flags & O_DIRECTORY) != 0) return failed(ENOTDIR);
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return failed(EEXIST);
    return create(flags);
}

/** What fstat() tells of a region's descriptor, and stat() of the device. */
template <class Status>
void show_device(Status& status) noexcept {
    status.st_mode = S_IFCHR | 0666;
    status.st_rdev = ::makedev(misc_major, emulated_minor);
    status.st_size = 0;
    status.st_blocks = 0;
}

int show_path(void* to) noexcept {
    struct stat status {};
    status.st_nlink = 1;
    status.st_blksize = ::sysconf(_SC_PAGESIZE);
    show_device(status);
    std::memcpy(to, &status, sizeof(status));
    return 0;
}

int show_descriptor(int ret, int fd, void* status) noexcept {
    if (ret == 0 && is_emulated(fd)) show_device(*static_cast<struct stat*>(status));
    return ret;
}

} // namespace

#define MODE                                    \
    mode_t mode = 0;                            \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) { \
        va_list arguments;                      \
        va_start(arguments, flags);             \
        mode = va_arg(arguments, mode_t);       \
        va_end(arguments);                      \
    }

#define OPEN(name)                                                                   \
    EXPORT int name(const char* path, int flags, ...) {                              \
        MODE const auto real = [&] { return NEXT(Open, #name, path, flags, mode); }; \
        return is_device(path) ? open_device(flags, real) : real();                  \
    }
#define OPENAT(name)                                                                           \
    EXPORT int name(int folder, const char* path, int flags, ...) {                            \
        MODE const auto real = [&] { return NEXT(OpenAt, #name, folder, path, flags, mode); }; \
        return is_device(path) ? open_device(flags, real) : real();                            \
    }
#define OPEN2(name)                                                        \
    EXPORT int name(const char* path, int flags) {                         \
        const auto real = [&] { return NEXT(Open2, #name, path, flags); }; \
        return is_device(path) ? open_device(flags, real) : real();        \
    }
#define OPENAT2(name)                                                                \
    EXPORT int name(int folder, const char* path, int flags) {                       \
        const auto real = [&] { return NEXT(OpenAt2, #name, folder, path, flags); }; \
        return is_device(path) ? open_device(flags, real) : real();                  \
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

#define STAT(name)                                                                   \
    EXPORT int name(const char* path, struct stat* status) noexcept {                \
        return emulates(path) ? show_path(status) : NEXT(Stat, #name, path, status); \
    }
STAT(stat)
STAT(lstat)
EXPORT int stat64(const char* path, struct stat64* status) noexcept {
    return emulates(path) ? show_path(status) : NEXT(Stat, "stat64", path, status);
}
EXPORT int lstat64(const char* path, struct stat64* status) noexcept {
    return emulates(path) ? show_path(status) : NEXT(Stat, "lstat64", path, status);
}
EXPORT int fstat(int fd, struct stat* status) noexcept {
    return show_descriptor(NEXT(FdStat, "fstat", fd, status), fd, status);
}
EXPORT int fstat64(int fd, struct stat64* status) noexcept {
    return show_descriptor(NEXT(FdStat, "fstat64", fd, status), fd, status);
}
EXPORT int fstatat(int folder, const char* path, struct stat* status, int flags) noexcept {
    return emulates(path) ? show_path(status)
                          : NEXT(StatAt, "fstatat", folder, path, status, flags);
}
EXPORT int fstatat64(int folder, const char* path, struct stat64* status, int flags) noexcept {
    return emulates(path) ? show_path(status)
                          : NEXT(StatAt, "fstatat64", folder, path, status, flags);
}

// Programs that were linked before glibc 2.33 ask so.
#define XSTAT(name, without)                                               \
    EXPORT int name(int, const char* path, struct stat* status) noexcept { \
        return without(path, status);                                      \
    }
XSTAT(__xstat, stat)
XSTAT(__lxstat, lstat)
EXPORT int __fxstat(int, int fd, struct stat* status) noexcept {
    return fstat(fd, status);
}
EXPORT int __xstat64(int, const char* path, struct stat64* status) noexcept {
    return stat64(path, status);
}
EXPORT int __lxstat64(int, const char* path, struct stat64* status) noexcept {
    return lstat64(path, status);
}
EXPORT int __fxstat64(int, int fd, struct stat64* status) noexcept {
    return fstat64(fd, status);
}

EXPORT int access(const char* path, int mode) noexcept {
    using Access = int(const char*, int);
    if (!emulates(path)) return NEXT(Access, "access", path, mode);
    return (mode & X_OK) != 0 ? failed(EACCES) : 0;
}
// NOLINTEND(bugprone-reserved-identifier,*-valist.Uninitialized)

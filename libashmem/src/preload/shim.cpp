// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The functions of libc that this library stands before: each asks whether the call
 * is about /dev/ashmem or an emulated region, and goes on to libc if it is not.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "real.hpp"
#include "region.hpp"
#include "state.hpp"

// The names are libc's, and what stands for a variable argument is always there.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
#define EXPORT extern "C" [[gnu::visibility("default")]]

// The next function of this one's name and type, called with these arguments.
#define NEXT(type, name, ...)                                               \
    [&] {                                                                   \
        static type* found = nullptr;                                       \
        return ashmem::preload::real::next<type>(name, found)(__VA_ARGS__); \
    }()

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

int failed(int error) noexcept {
    errno = error;
    return -1;
}

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

/** The driver has no write. */
int refuse_write(int fd) noexcept {
    const long flags = ::syscall(SYS_fcntl, fd, F_GETFL);
    return failed((flags & O_ACCMODE) == O_RDONLY ? EBADF : EINVAL);
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

EXPORT int ioctl(int fd, unsigned long request, ...) noexcept {
    using Ioctl = int(int, unsigned long, unsigned long);
    va_list arguments;
    va_start(arguments, request);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return is_emulated(fd) ? region::ioctl(fd, static_cast<unsigned>(request), argument)
                           : NEXT(Ioctl, "ioctl", fd, request, argument);
}

using Mmap = void*(void*, std::size_t, int, int, int, off_t);
EXPORT void* mmap(void* at, std::size_t length, int prot, int flags, int fd,
                  off_t offset) noexcept {
    return (flags & MAP_ANONYMOUS) == 0 && is_emulated(fd)
               ? region::map(at, length, prot, flags, fd, offset)
               : NEXT(Mmap, "mmap", at, length, prot, flags, fd, offset);
}
EXPORT void* mmap64(void* at, std::size_t length, int prot, int flags, int fd,
                    off64_t offset) noexcept {
    return mmap(at, length, prot, flags, fd, offset);
}

using Read = ssize_t(int, void*, std::size_t);
using PRead = ssize_t(int, void*, std::size_t, off_t);
using ReadV = ssize_t(int, const iovec*, int);
using PReadV = ssize_t(int, const iovec*, int, off_t);

EXPORT ssize_t read(int fd, void* to, std::size_t size) {
    const iovec part{to, size};
    return is_emulated(fd) ? region::read(fd, &part, 1, nullptr) : NEXT(Read, "read", fd, to, size);
}
EXPORT ssize_t __read_chk(int fd, void* to, std::size_t size, std::size_t room) {
    if (size > room) std::abort();
    return read(fd, to, size);
}
EXPORT ssize_t pread(int fd, void* to, std::size_t size, off_t offset) {
    const iovec part{to, size};
    return is_emulated(fd) ? region::read(fd, &part, 1, &offset)
                           : NEXT(PRead, "pread", fd, to, size, offset);
}
EXPORT ssize_t pread64(int fd, void* to, std::size_t size, off64_t offset) {
    return pread(fd, to, size, offset);
}
EXPORT ssize_t readv(int fd, const iovec* parts, int count) {
    return is_emulated(fd) ? region::read(fd, parts, count, nullptr)
                           : NEXT(ReadV, "readv", fd, parts, count);
}
EXPORT ssize_t preadv(int fd, const iovec* parts, int count, off_t offset) {
    return is_emulated(fd) ? region::read(fd, parts, count, &offset)
                           : NEXT(PReadV, "preadv", fd, parts, count, offset);
}

EXPORT ssize_t preadv64(int fd, const iovec* parts, int count, off64_t offset) {
    return preadv(fd, parts, count, offset);
}

EXPORT ssize_t write(int fd, const void* from, std::size_t size) {
    using Write = ssize_t(int, const void*, std::size_t);
    return is_emulated(fd) ? refuse_write(fd) : NEXT(Write, "write", fd, from, size);
}
EXPORT ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
    using PWrite = ssize_t(int, const void*, std::size_t, off_t);
    return is_emulated(fd) ? refuse_write(fd) : NEXT(PWrite, "pwrite", fd, from, size, offset);
}
EXPORT ssize_t pwrite64(int fd, const void* from, std::size_t size, off64_t offset) {
    return pwrite(fd, from, size, offset);
}
EXPORT ssize_t writev(int fd, const iovec* parts, int count) {
    return is_emulated(fd) ? refuse_write(fd) : NEXT(ReadV, "writev", fd, parts, count);
}
EXPORT ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    return is_emulated(fd) ? refuse_write(fd) : NEXT(PReadV, "pwritev", fd, parts, count, offset);
}
EXPORT ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}

// What the driver does not have, with the errno of each.
EXPORT int ftruncate(int fd, off_t size) noexcept {
    using Truncate = int(int, off_t);
    return is_emulated(fd) ? failed(EINVAL) : NEXT(Truncate, "ftruncate", fd, size);
}
EXPORT int fsync(int fd) {
    using Sync = int(int);
    return is_emulated(fd) ? failed(EINVAL) : NEXT(Sync, "fsync", fd);
}
EXPORT int fdatasync(int fd) {
    using Sync = int(int);
    return is_emulated(fd) ? failed(EINVAL) : NEXT(Sync, "fdatasync", fd);
}
EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
    using Allocate = int(int, int, off_t, off_t);
    return is_emulated(fd) ? failed(ENODEV) : NEXT(Allocate, "fallocate", fd, mode, offset, length);
}
EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    return fallocate(fd, mode, offset, length);
}
EXPORT ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
                      unsigned flags) {
    using Splice = ssize_t(int, off64_t*, int, off64_t*, std::size_t, unsigned);
    return is_emulated(from) || is_emulated(to)
               ? failed(EINVAL)
               : NEXT(Splice, "splice", from, from_at, to, to_at, size, flags);
}
EXPORT ssize_t sendfile(int to, int from, off_t* at, std::size_t size) noexcept {
    using SendFile = ssize_t(int, int, off_t*, std::size_t);
    return is_emulated(from) || is_emulated(to) ? failed(EINVAL)
                                                : NEXT(SendFile, "sendfile", to, from, at, size);
}
EXPORT ssize_t sendfile64(int to, int from, off64_t* at, std::size_t size) noexcept {
    return sendfile(to, from, at, size);
}

/** Seals are a memfd's, and not the program's to know of. */
static bool is_of_seals(int command) noexcept {
    return command == F_GET_SEALS || command == F_ADD_SEALS;
}
EXPORT int fcntl(int fd, int command, ...) {
    using Fcntl = int(int, int, unsigned long);
    va_list arguments;
    va_start(arguments, command);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return is_of_seals(command) && is_emulated(fd) ? failed(EINVAL)
                                                   : NEXT(Fcntl, "fcntl", fd, command, argument);
}
EXPORT int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return fcntl(fd, command, argument);
}
EXPORT int ftruncate64(int fd, off64_t size) noexcept {
    return ftruncate(fd, size);
}

using Seek = off_t(int, off_t, int);
EXPORT off_t lseek(int fd, off_t offset, int whence) noexcept {
    return is_emulated(fd) ? region::seek(fd, offset, whence)
                           : NEXT(Seek, "lseek", fd, offset, whence);
}
EXPORT off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
    return lseek(fd, offset, whence);
}
// NOLINTEND(bugprone-reserved-identifier,*-valist.Uninitialized)

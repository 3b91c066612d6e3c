// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Stands before libc's functions of descriptors: each asks whether the call is about an
 * emulated region, and goes on to libc if it is not.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>

#include "region.hpp"
#include "shim.hpp"
#include "state.hpp"

// The names are libc's, and what stands for a variable argument is always there.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
namespace {

using namespace ashmem::preload;

/** The driver has no write. */
int refuse_write(int fd) noexcept {
    const long flags = ::syscall(SYS_fcntl, fd, F_GETFL);
    return failed((flags & O_ACCMODE) == O_RDONLY ? EBADF : EINVAL);
}

} // namespace

#pragma GCC diagnostic ignored "-Wmissing-declarations"
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

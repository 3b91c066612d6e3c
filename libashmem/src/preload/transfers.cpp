// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Interposes on libc's functions that move bytes: a region is read as the driver has it
 * read, and never written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>

#include "numbers.hpp"
#include "region.hpp"
#include "shim.hpp"

// The names are libc's, and the optional argument is always declared.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
namespace {

using namespace ashmem::preload;

using Read = ssize_t(int, void*, std::size_t);
using PRead = ssize_t(int, void*, std::size_t, off_t);
using CheckedRead = ssize_t(int, void*, std::size_t, std::size_t);
using CheckedPRead = ssize_t(int, void*, std::size_t, off_t, std::size_t);
using ReadV = ssize_t(int, const iovec*, int);
using PReadV = ssize_t(int, const iovec*, int, off_t);
using PReadV2 = ssize_t(int, const iovec*, int, off_t, int);

/** The driver has no write. */
int refuse_write(int fd) noexcept {
    return failed(real::may_write(fd) ? EINVAL : EBADF);
}

/** What a file may be read with that can't tell whether a read would wait. */
bool is_known(int flags) noexcept {
    return (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC)) == 0;
}

ssize_t read_part(int fd, void* to, std::size_t size, const off_t* offset) noexcept {
    const iovec part{to, size};
    return region::read(fd, &part, 1, offset);
}

} // namespace

#pragma GCC diagnostic ignored "-Wmissing-declarations"
EXPORT ssize_t read(int fd, void* to, std::size_t size) {
    return is_region(fd) ? read_part(fd, to, size, nullptr) : NEXT(Read, "read", fd, to, size);
}
EXPORT ssize_t pread(int fd, void* to, std::size_t size, off_t offset) {
    return is_region(fd) ? read_part(fd, to, size, &offset)
                         : NEXT(PRead, "pread", fd, to, size, offset);
}
EXPORT ssize_t pread64(int fd, void* to, std::size_t size, off64_t offset) {
    return pread(fd, to, size, offset);
}

// What programs call that are compiled with _FORTIFY_SOURCE. A size that is more than the room
// is for libc to complain of.
EXPORT ssize_t __read_chk(int fd, void* to, std::size_t size, std::size_t room) {
    return size <= room && is_region(fd) ? read_part(fd, to, size, nullptr)
                                         : NEXT(CheckedRead, "__read_chk", fd, to, size, room);
}
EXPORT ssize_t __pread_chk(int fd, void* to, std::size_t size, off_t offset, std::size_t room) {
    return size <= room && is_region(fd)
               ? read_part(fd, to, size, &offset)
               : NEXT(CheckedPRead, "__pread_chk", fd, to, size, offset, room);
}
EXPORT ssize_t __pread64_chk(int fd, void* to, std::size_t size, off64_t offset, std::size_t room) {
    return __pread_chk(fd, to, size, offset, room);
}

EXPORT ssize_t readv(int fd, const iovec* parts, int count) {
    return is_region(fd) ? region::read(fd, parts, count, nullptr)
                         : NEXT(ReadV, "readv", fd, parts, count);
}
EXPORT ssize_t preadv(int fd, const iovec* parts, int count, off_t offset) {
    return is_region(fd) ? region::read(fd, parts, count, &offset)
                         : NEXT(PReadV, "preadv", fd, parts, count, offset);
}
EXPORT ssize_t preadv64(int fd, const iovec* parts, int count, off64_t offset) {
    return preadv(fd, parts, count, offset);
}
EXPORT ssize_t preadv2(int fd, const iovec* parts, int count, off_t offset, int flags) {
    if (!is_region(fd)) return NEXT(PReadV2, "preadv2", fd, parts, count, offset, flags);
    if (!is_known(flags)) return failed(EOPNOTSUPP);
    return region::read(fd, parts, count, offset == -1 ? nullptr : &offset);
}
EXPORT ssize_t preadv64v2(int fd, const iovec* parts, int count, off64_t offset, int flags) {
    return preadv2(fd, parts, count, offset, flags);
}

EXPORT ssize_t write(int fd, const void* from, std::size_t size) {
    using Write = ssize_t(int, const void*, std::size_t);
    return is_region(fd) ? refuse_write(fd) : NEXT(Write, "write", fd, from, size);
}
EXPORT ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
    using PWrite = ssize_t(int, const void*, std::size_t, off_t);
    return is_region(fd) ? refuse_write(fd) : NEXT(PWrite, "pwrite", fd, from, size, offset);
}
EXPORT ssize_t pwrite64(int fd, const void* from, std::size_t size, off64_t offset) {
    return pwrite(fd, from, size, offset);
}
EXPORT ssize_t writev(int fd, const iovec* parts, int count) {
    return is_region(fd) ? refuse_write(fd) : NEXT(ReadV, "writev", fd, parts, count);
}
EXPORT ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    return is_region(fd) ? refuse_write(fd) : NEXT(PReadV, "pwritev", fd, parts, count, offset);
}
EXPORT ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}
EXPORT ssize_t pwritev2(int fd, const iovec* parts, int count, off_t offset, int flags) {
    return is_region(fd) ? refuse_write(fd)
                         : NEXT(PReadV2, "pwritev2", fd, parts, count, offset, flags);
}
EXPORT ssize_t pwritev64v2(int fd, const iovec* parts, int count, off64_t offset, int flags) {
    return pwritev2(fd, parts, count, offset, flags);
}

EXPORT ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
                      unsigned flags) {
    using Splice = ssize_t(int, off64_t*, int, off64_t*, std::size_t, unsigned);
    return is_region(from) || is_region(to)
               ? failed(EINVAL)
               : NEXT(Splice, "splice", from, from_at, to, to_at, size, flags);
}
EXPORT ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
                               unsigned flags) {
    using Copy = ssize_t(int, off64_t*, int, off64_t*, std::size_t, unsigned);
    return is_region(from) || is_region(to)
               ? failed(EINVAL)
               : NEXT(Copy, "copy_file_range", from, from_at, to, to_at, size, flags);
}
EXPORT ssize_t sendfile(int to, int from, off_t* at, std::size_t size) noexcept {
    using SendFile = ssize_t(int, int, off_t*, std::size_t);
    return is_region(from) || is_region(to) ? failed(EINVAL)
                                            : NEXT(SendFile, "sendfile", to, from, at, size);
}
EXPORT ssize_t sendfile64(int to, int from, off64_t* at, std::size_t size) noexcept {
    return sendfile(to, from, at, size);
}

// libc's streams call its own write(), past everybody.
EXPORT int vdprintf(int fd, const char* format, va_list arguments) {
    using Print = int(int, const char*, va_list);
    return is_region(fd) ? refuse_write(fd) : NEXT(Print, "vdprintf", fd, format, arguments);
}
EXPORT int dprintf(int fd, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int ret = vdprintf(fd, format, arguments);
    va_end(arguments);
    return ret;
}
EXPORT int __vdprintf_chk(int fd, int flag, const char* format, va_list arguments) {
    using Print = int(int, int, const char*, va_list);
    return is_region(fd) ? refuse_write(fd)
                         : NEXT(Print, "__vdprintf_chk", fd, flag, format, arguments);
}
EXPORT int __dprintf_chk(int fd, int flag, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int ret = __vdprintf_chk(fd, flag, format, arguments);
    va_end(arguments);
    return ret;
}

// So a stream of a region is one of ours, which has no fileno().
EXPORT FILE* fdopen(int fd, const char* mode) noexcept {
    using Open = FILE*(int, const char*);
    return is_region(fd) ? region::stream(fd, mode) : NEXT(Open, "fdopen", fd, mode);
}
// NOLINTEND(bugprone-reserved-identifier,*-valist.Uninitialized)

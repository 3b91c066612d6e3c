// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Interposes on libc's functions of descriptors: each asks whether the call is about an
 * emulated region, and goes on to libc if it is not. Those that make a number anew have it
 * asked about.
 */
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "file_locks.hpp"
#include "numbers.hpp"
#include "region.hpp"
#include "shim.hpp"
#include "state.hpp"

// The names are libc's, and the optional argument is always declared.
// NOLINTBEGIN(bugprone-reserved-identifier,*-valist.Uninitialized)
namespace {

using namespace ashmem::preload;

/** A new number, which may be a region's whatever it was before. */
int renewed(int fd) noexcept {
    numbers::forget(fd);
    return fd;
}

/** Numbers that came with a message. */
void renew_received(const msghdr& message) noexcept {
    auto* const headers = const_cast<msghdr*>(&message);
    for (cmsghdr* header = CMSG_FIRSTHDR(headers); header != nullptr;
         header = CMSG_NXTHDR(headers, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
            numbers::forget(fd);
        }
    }
}

bool is_ashmem(unsigned long request) noexcept {
    return _IOC_TYPE(request) == __ASHMEMIOC;
}

} // namespace

#pragma GCC diagnostic ignored "-Wmissing-declarations"
EXPORT int ioctl(int fd, unsigned long request, ...) noexcept {
    using Ioctl = int(int, unsigned long, unsigned long);
    va_list arguments;
    va_start(arguments, request);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    // the caller takes it for a region, so forget the remembered answer
    if (is_ashmem(request)) numbers::forget(fd);
    return is_region(fd) ? region::ioctl(fd, static_cast<unsigned>(request), argument)
                         : NEXT(Ioctl, "ioctl", fd, request, argument);
}

using Mmap = void*(void*, std::size_t, int, int, int, off_t);
EXPORT void* mmap(void* at, std::size_t length, int prot, int flags, int fd,
                  off_t offset) noexcept {
    return (flags & MAP_ANONYMOUS) == 0 && is_region(fd)
               ? region::map(at, length, prot, flags, fd, offset)
               : NEXT(Mmap, "mmap", at, length, prot, flags, fd, offset);
}
EXPORT void* mmap64(void* at, std::size_t length, int prot, int flags, int fd,
                    off64_t offset) noexcept {
    return mmap(at, length, prot, flags, fd, offset);
}

using Seek = off_t(int, off_t, int);
EXPORT off_t lseek(int fd, off_t offset, int whence) noexcept {
    return is_region(fd) ? region::seek(fd, offset, whence)
                         : NEXT(Seek, "lseek", fd, offset, whence);
}
EXPORT off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
    return lseek(fd, offset, whence);
}

// What the driver does not have, with the errno of each.
EXPORT int ftruncate(int fd, off_t size) noexcept {
    using Truncate = int(int, off_t);
    return is_region(fd) ? failed(EINVAL) : NEXT(Truncate, "ftruncate", fd, size);
}
EXPORT int ftruncate64(int fd, off64_t size) noexcept {
    return ftruncate(fd, size);
}
EXPORT int fsync(int fd) {
    using Sync = int(int);
    return is_region(fd) ? failed(EINVAL) : NEXT(Sync, "fsync", fd);
}
EXPORT int fdatasync(int fd) {
    using Sync = int(int);
    return is_region(fd) ? failed(EINVAL) : NEXT(Sync, "fdatasync", fd);
}
EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
    using Allocate = int(int, int, off_t, off_t);
    return is_region(fd) ? failed(ENODEV) : NEXT(Allocate, "fallocate", fd, mode, offset, length);
}
EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    return fallocate(fd, mode, offset, length);
}
// it answers with the error
EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
    using Allocate = int(int, off_t, off_t);
    return is_region(fd) ? ENODEV : NEXT(Allocate, "posix_fallocate", fd, offset, length);
}
EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    return posix_fallocate(fd, offset, length);
}

EXPORT int fcntl(int fd, int command, ...) {
    using Fcntl = int(int, int, unsigned long);
    va_list arguments;
    va_start(arguments, command);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    const auto real = [&](unsigned long what) { return NEXT(Fcntl, "fcntl", fd, command, what); };
    switch (command) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return renewed(real(argument));
        // seals are a memfd's, and not the program's to know of
        case F_GET_SEALS:
        case F_ADD_SEALS:
            return is_region(fd) ? failed(EINVAL) : real(argument);
        case F_SETFL:
            return (argument & O_DIRECT) != 0 && is_region(fd) ? failed(EINVAL) : real(argument);
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
        case F_OFD_GETLK:
        case F_OFD_SETLK:
        case F_OFD_SETLKW:
            return is_region(fd) && argument != 0 ? file_lock(fd, command, argument)
                                                  : real(argument);
        default:
            return real(argument);
    }
}
EXPORT int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    const auto argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    return fcntl(fd, command, argument);
}
EXPORT int lockf(int fd, int command, off_t length) {
    using Lock = int(int, int, off_t);
    return is_region(fd) ? lock_from_position(fd, command, length)
                         : NEXT(Lock, "lockf", fd, command, length);
}
EXPORT int lockf64(int fd, int command, off64_t length) {
    return lockf(fd, command, length);
}

EXPORT int dup(int fd) noexcept {
    using Dup = int(int);
    return renewed(NEXT(Dup, "dup", fd));
}
EXPORT int dup2(int fd, int to) noexcept {
    using Dup = int(int, int);
    return renewed(NEXT(Dup, "dup2", fd, to));
}
EXPORT int dup3(int fd, int to, int flags) noexcept {
    using Dup = int(int, int, int);
    return renewed(NEXT(Dup, "dup3", fd, to, flags));
}
EXPORT ssize_t recvmsg(int fd, msghdr* message, int flags) {
    using Receive = ssize_t(int, msghdr*, int);
    const ssize_t got = NEXT(Receive, "recvmsg", fd, message, flags);
    if (got >= 0 && message->msg_controllen != 0) renew_received(*message);
    return got;
}
EXPORT int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit) {
    using Receive = int(int, mmsghdr*, unsigned, int, timespec*);
    const int got = NEXT(Receive, "recvmmsg", fd, messages, count, flags, limit);
    for (int i = 0; i < got; ++i)
        if (messages[i].msg_hdr.msg_controllen != 0) renew_received(messages[i].msg_hdr);
    return got;
}
// NOLINTEND(bugprone-reserved-identifier,*-valist.Uninitialized)

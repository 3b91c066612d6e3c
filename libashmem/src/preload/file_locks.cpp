// SPDX-License-Identifier: Apache-2.0
// Cuts the program's locks where the state's lock is.
#include "file_locks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "lock.hpp"
#include "real.hpp"

namespace ashmem::preload {
namespace {

/** Where a lock begins; -1 for what the kernel shall refuse. */
off_t start_of(int fd, const struct flock& lock) noexcept {
    const off_t from = lock.l_whence == SEEK_CUR ? real::seek(fd, 0, SEEK_CUR) : 0;
    off_t start;
    return __builtin_add_overflow(from, lock.l_start, &start) ? -1 : start;
}

/** The same lock without our byte: one of that byte alone is of the one before it. */
struct flock cut(int fd, const struct flock& wanted) noexcept {
    struct flock lock = wanted;
    // the device's end is its beginning
    if (lock.l_whence == SEEK_END) lock.l_whence = SEEK_SET;
    const off_t start = start_of(fd, lock), length = lock.l_len;
    const bool to_the_end = length == 0 || (length > 0 && length - 1 == lock_at - start);
    // the kernel refuses what begins before the file
    if (start < 0 || !to_the_end) return lock;
    lock.l_whence = SEEK_SET;
    lock.l_start = std::min(start, lock_at - 1);
    lock.l_len = lock_at - lock.l_start;
    return lock;
}

} // namespace

int file_lock(int fd, int command, unsigned long argument) noexcept {
    auto* const wanted = reinterpret_cast<struct flock*>(argument);
    struct flock lock = cut(fd, *wanted);
    const auto ret = static_cast<int>(::syscall(SYS_fcntl, fd, command, &lock));
    const bool asks = command == F_GETLK || command == F_OFD_GETLK;
    if (ret != 0 || !asks) return ret;
    if (lock.l_type == F_UNLCK)
        wanted->l_type = F_UNLCK;
    else
        *wanted = lock;
    return 0;
}

int lock_from_position(int fd, int command, off_t length) noexcept {
    struct flock lock {};
    lock.l_whence = SEEK_CUR;
    lock.l_len = length;
    lock.l_type = F_WRLCK;
    const auto argument = reinterpret_cast<unsigned long>(&lock);
    switch (command) {
        case F_LOCK:
            return file_lock(fd, F_SETLKW, argument);
        case F_TLOCK:
            return file_lock(fd, F_SETLK, argument);
        case F_ULOCK:
            lock.l_type = F_UNLCK;
            return file_lock(fd, F_SETLK, argument);
        case F_TEST:
            // as libc's, it has nothing against those that others read by
            lock.l_type = F_RDLCK;
            if (file_lock(fd, F_GETLK, argument) != 0) return -1;
            return lock.l_type == F_UNLCK ? 0 : failed(EACCES);
        default:
            return failed(EINVAL);
    }
}

} // namespace ashmem::preload

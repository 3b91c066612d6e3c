// SPDX-License-Identifier: Apache-2.0
// Cuts the program's locks where the state's lock is.
#include "file_locks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "lock.hpp"
#include "real.hpp"

namespace ashmem::preload {
namespace {

/** Where a lock begins; -1 for what the kernel shall refuse. */
off_t start_of(int fd, const struct flock& lock) noexcept {
    off_t from = 0;
    // the device's end is its beginning
    if (lock.l_whence == SEEK_CUR) from = real::seek(fd, 0, SEEK_CUR);
    off_t start;
    return __builtin_add_overflow(from, lock.l_start, &start) ? -1 : start;
}

/** The same lock without our byte. */
struct flock cut(int fd, const struct flock& wanted) noexcept {
    struct flock lock = wanted;
    const off_t start = start_of(fd, wanted);
    if (start < 0 || start >= lock_at || wanted.l_len < 0) return lock;
    if (wanted.l_len != 0 && wanted.l_len <= lock_at - start) return lock;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = lock_at - start;
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
    lock.l_type = command == F_ULOCK ? F_UNLCK : F_WRLCK;
    const auto argument = reinterpret_cast<unsigned long>(&lock);
    switch (command) {
        case F_LOCK:
            return file_lock(fd, F_SETLKW, argument);
        case F_TLOCK:
        case F_ULOCK:
            return file_lock(fd, F_SETLK, argument);
        case F_TEST:
            if (file_lock(fd, F_GETLK, argument) != 0) return -1;
            return lock.l_type == F_UNLCK ? 0 : failed(EACCES);
        default:
            return failed(EINVAL);
    }
}

} // namespace ashmem::preload

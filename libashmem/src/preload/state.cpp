// SPDX-License-Identifier: Apache-2.0
// Makes a region's memfd, and tells it from others.
#include "state.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "../posix.hpp"
#include "lock.hpp"
#include "real.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace ashmem::preload {
namespace {

// A size that nothing else has, and seals that only memfds can have, tell one apart.
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/** What F_GETFL shows of a device's open flags, but for O_NOFOLLOW, which a link can't have. */
constexpr int kept_flags =
    O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_NOATIME;

/**
 * A memfd that may be executed, which newer kernels want to be told; one that may not where
 * vm.memfd_noexec forbids it, which is no matter to maps. From 6.3 to 6.5 that had to be asked
 * for by name.
 */
int open_memfd(unsigned on_exec) noexcept {
    const unsigned kind = MFD_ALLOW_SEALING | on_exec;
    int fd = ::memfd_create(ASHMEM_NAME_DEF, kind | MFD_EXEC);
    if (fd < 0 && (errno == EINVAL || errno == EACCES)) fd = ::memfd_create(ASHMEM_NAME_DEF, kind);
    if (fd < 0 && errno == EACCES) fd = ::memfd_create(ASHMEM_NAME_DEF, kind | MFD_NOEXEC_SEAL);
    return fd;
}

int fail_closing(int fd) noexcept {
    close_keeping_errno(fd);
    return -1;
}

/** A description with the caller's own rights, and no others; by the same number. */
int restrict_to(int flags, int fd) noexcept {
    const int own = reopen(fd, flags);
    if (own < 0) return fail_closing(fd);
    // the lowest number that was free, as open() promises
    const auto placed = ::syscall(SYS_dup3, own, fd, flags & O_CLOEXEC);
    close_keeping_errno(own);
    return placed < 0 ? fail_closing(fd) : fd;
}

} // namespace

int create(int flags) noexcept {
    const int fd = open_memfd((flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
    if (fd < 0) return -1;
    if (real::truncate(fd, file_size) != 0 || ::syscall(SYS_fcntl, fd, F_ADD_SEALS, seals) != 0)
        return fail_closing(fd);
    if ((flags & O_PATH) != 0) return restrict_to(flags & (O_PATH | O_CLOEXEC), fd);
    // that is what a memfd is opened with
    const int wanted = flags & kept_flags;
    return wanted == O_RDWR ? fd : restrict_to(wanted | (flags & O_CLOEXEC), fd);
}

bool is_emulated(int fd) noexcept {
    const int error = errno;
    const long found = ::syscall(SYS_fcntl, fd, F_GET_SEALS);
    const bool yes = found >= 0 && (found & ~long{F_SEAL_EXEC}) == seals &&
                     real::status(fd).st_size == file_size;
    errno = error;
    return yes;
}

int reopen(int fd, int flags) noexcept {
    char path[sizeof("/proc/thread-self/fd/") + 3 * sizeof(fd)];
    std::snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags));
}

bool look(int fd, Head& head) noexcept {
    if (::syscall(SYS_pread64, fd, &head, sizeof(head), state_at) == ssize_t{sizeof(head)})
        return true;
    // opened for writing alone
    const Locked state(fd);
    if (!state) return false;
    head = *state;
    return true;
}

} // namespace ashmem::preload

// SPDX-License-Identifier: Apache-2.0
// Finds the state in a region's memfd, maps it and locks it.
#include "state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "real.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace ashmem::preload {
namespace {

constexpr std::uint64_t magic = 0x306d656d68736100; // "\0ashmem0"
// A size that nothing else has, and seals that only memfds can have, tell one apart.
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr off_t file_size = state_at + static_cast<off_t>(sizeof(State));

int fail_closing(int fd) noexcept {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
}

} // namespace

int create(int flags) noexcept {
    constexpr unsigned kind = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = ::memfd_create(ASHMEM_NAME_DEF, kind | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) fd = ::memfd_create(ASHMEM_NAME_DEF, kind);
    if (fd < 0) return -1;
    State first{};
    first.magic = magic;
    first.mask = PROT_READ | PROT_WRITE | PROT_EXEC;
    // the ranges begin as the zeros of a new file
    constexpr std::size_t head = offsetof(State, ranges);
    if (real::truncate(fd, file_size) != 0 ||
        ::syscall(SYS_pwrite64, fd, &first, head, state_at) != ssize_t{head} ||
        ::syscall(SYS_fcntl, fd, F_ADD_SEALS, seals) != 0)
        return fail_closing(fd);
    // a description with the caller's own rights, and no others
    const int own = reopen(fd, flags & (O_ACCMODE | O_CLOEXEC | O_NONBLOCK | O_APPEND));
    if (own < 0) return fail_closing(fd);
    // by the lowest number that was free, as open() promises
    const int placed = ::dup3(own, fd, flags & O_CLOEXEC);
    const int error = errno;
    ::close(own);
    errno = error;
    return placed < 0 ? fail_closing(fd) : fd;
}

bool is_emulated(int fd) noexcept {
    const int error = errno;
    struct stat status {};
    const bool yes = ::syscall(SYS_fcntl, fd, F_GET_SEALS) == seals &&
                     real::status(fd, status) == 0 && status.st_size == file_size;
    errno = error;
    return yes;
}

int reopen(int fd, int flags) noexcept {
    char path[sizeof("/proc/thread-self/fd/") + 3 * sizeof(fd)];
    std::snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags));
}

Locked::Locked(int fd) noexcept {
    sigset_t every;
    ::sigfillset(&every);
    ::pthread_sigmask(SIG_SETMASK, &every, &before_);
    fd_ = reopen(fd, O_RDWR | O_CLOEXEC);
    if (fd_ < 0) return;
    int locked;
    do {
        locked = ::flock(fd_, LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    if (locked == 0) (void)enter();
}

bool Locked::enter() noexcept {
    void* const map =
        real::map(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, state_at);
    if (map == MAP_FAILED) return false;
    state_ = static_cast<State*>(map);
    if (state_->magic == magic && state_->count <= max_ranges) return true;
    // another holder wrote nonsense there
    leave();
    errno = EIO;
    return false;
}

void Locked::leave() noexcept {
    if (state_ != nullptr) ::munmap(state_, sizeof(State));
    state_ = nullptr;
}

Locked::~Locked() {
    const int error = errno;
    leave();
    if (fd_ >= 0) {
        // by name: a child that was forked meanwhile has this description too
        ::flock(fd_, LOCK_UN);
        ::close(fd_);
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
}

} // namespace ashmem::preload

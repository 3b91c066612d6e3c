// SPDX-License-Identifier: Apache-2.0
// Locks a region's state and maps it; copies to and from callers by way of it.
#include "lock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "real.hpp"

namespace ashmem::preload {
namespace {

/** The descriptor by which this thread waits for a lock, which it may have got just now. */
[[gnu::tls_model("initial-exec")]] thread_local volatile int awaited = -1;

int lock_byte(int fd, int command, short type) noexcept {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = lock_at;
    lock.l_len = 1;
    return static_cast<int>(::syscall(SYS_fcntl, fd, command, &lock));
}

/** What the thread waits for that a signal's handler interrupted; the handler may need it. */
int give_back_awaited() noexcept {
    if (awaited >= 0) (void)lock_byte(awaited, F_OFD_SETLK, F_UNLCK);
    return awaited;
}

} // namespace

Locked::Locked(int fd, Wait wait) noexcept : fd_(reopen(fd, O_RDWR | O_CLOEXEC)) {
    if (fd_ >= 0 && (wait == Wait::briefly ? lock_soon() : lock())) (void)enter();
}

/** Lock, with all signals blocked; EAGAIN if another holder has it, with the signals as before. */
bool Locked::try_lock() noexcept {
    sigset_t every;
    ::sigfillset(&every);
    ::pthread_sigmask(SIG_SETMASK, &every, &before_);
    locked_ = lock_byte(fd_, F_OFD_SETLK, F_WRLCK) == 0;
    const int error = errno;
    if (!locked_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
    return locked_;
}

/**
 * A signal's handler runs while its thread waits. If the wait has just ended, the
 * handler releases the lock: the thread goes on only with what it takes, again,
 * once no handler can run.
 */
bool Locked::lock() noexcept {
    const int outer = give_back_awaited();
    while (!try_lock() && errno == EAGAIN) {
        awaited = fd_;
        (void)lock_byte(fd_, F_OFD_SETLKW, F_WRLCK);
    }
    awaited = outer;
    return locked_;
}

bool Locked::lock_soon() noexcept {
    constexpr int attempts = 100;
    constexpr timespec pause{0, 1000000};
    (void)give_back_awaited();
    for (int i = 0; i < attempts && !try_lock() && errno == EAGAIN; ++i)
        ::nanosleep(&pause, nullptr);
    return locked_;
}

bool Locked::enter() noexcept {
    void* const map =
        real::map(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, state_at);
    if (map == MAP_FAILED) return false;
    state_ = static_cast<State*>(map);
    if (state_->count <= max_ranges) return true;
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
        if (locked_) (void)lock_byte(fd_, F_OFD_SETLK, F_UNLCK);
        ::close(fd_);
    }
    if (locked_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
}

namespace {

constexpr off_t exchange_at = state_at + static_cast<off_t>(offsetof(Head, exchange));

bool was_whole(long copied, std::size_t size) noexcept {
    if (copied == static_cast<long>(size)) return true;
    if (copied >= 0) errno = EFAULT;
    return false;
}

} // namespace

// Of all calls that copy, these are sure to be allowed where files are read and written.
bool Locked::copy_in(void* ours, unsigned long theirs, std::size_t size) const noexcept {
    if (!was_whole(::syscall(SYS_pwrite64, fd_, theirs, size, exchange_at), size)) return false;
    std::memcpy(ours, state_->exchange, size);
    return true;
}

bool Locked::copy_out(const void* ours, unsigned long theirs, std::size_t size) const noexcept {
    std::memcpy(state_->exchange, ours, size);
    return was_whole(::syscall(SYS_pread64, fd_, theirs, size, exchange_at), size);
}

} // namespace ashmem::preload

// SPDX-License-Identifier: Apache-2.0
// Looks at seals, and remembers the file that had them last: seals are never taken away.
#include "sealed.hpp"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace ashmem::backend {
namespace {

/**
 * A file as it is now. Numbers of inodes are given again after some 2^32 others, and the
 * inode that has it then is younger than any change of the one before.
 */
struct Identity {
    dev_t device;
    ino_t inode;
    time_t seconds; // of the last change, by write() and its like
    long nanoseconds;
    friend bool operator==(const Identity&, const Identity&) = default;
};

Identity identity(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

// The last sealed memfd. Who finds it in use, by another thread, one that is interrupted or
// one that fork() left behind, does without it.
std::atomic_flag in_use;
Identity last_sealed{};

bool is_last_sealed(const Identity& file) noexcept {
    if (in_use.test_and_set(std::memory_order_acquire)) return false;
    const bool same = file == last_sealed;
    in_use.clear(std::memory_order_release);
    return same;
}

void remember_sealed(const Identity& file) noexcept {
    if (in_use.test_and_set(std::memory_order_acquire)) return;
    last_sealed = file;
    in_use.clear(std::memory_order_release);
}

/**
 * A region of libashmem-preload.so, which keeps more there than data. Without that library
 * nothing can be done with it.
 */
bool is_preloaded(const struct stat& status) noexcept {
    constexpr std::int64_t no_data_beyond = std::int64_t{1} << 62;
    return status.st_size > no_data_beyond;
}

/** The seals of any memfd that cannot become shorter. */
int seals_against_shrinking(int fd) noexcept {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 && errno == EINVAL) errno = ENOTTY;
    if (seals < 0 || (seals & F_SEAL_SHRINK) != 0) return seals;
    errno = ENOTTY;
    return -1;
}

} // namespace

int seals_of_region(int fd) noexcept {
    const int seals = seals_against_shrinking(fd);
    // those of ours can be sealed further, so most need not be looked at
    if (seals < 0 || (seals & F_SEAL_SEAL) == 0) return seals;
    struct stat status {};
    if (::fstat(fd, &status) != 0) return -1;
    if (!is_preloaded(status)) return seals;
    errno = ENOTTY;
    return -1;
}

bool stat_region(int fd, struct stat& status) noexcept {
    if (::fstat(fd, &status) != 0) return false;
    const Identity file = identity(status);
    if (is_last_sealed(file)) return true;
    if (seals_against_shrinking(fd) < 0) return false;
    if (is_preloaded(status)) {
        errno = ENOTTY;
        return false;
    }
    remember_sealed(file);
    return true;
}

} // namespace ashmem::backend

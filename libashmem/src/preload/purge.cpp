// SPDX-License-Identifier: Apache-2.0
// Purges emulated regions: on PURGE_ALL_CACHES, and by a thread that watches PSI.
#include "purge.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "ranges.hpp"
#include "real.hpp"
#include "state.hpp"

namespace ashmem::preload {
namespace {

/** How /proc shows an emulated region, whatever follows. */
constexpr char link_prefix[] = "/memfd:" ASHMEM_NAME_DEF;

/** Tasks stalled for 100 ms in all within 2 s, the shortest that any user may ask for. */
constexpr char trigger[] = "some 100000 2000000";

/** Files that were seen, so that each is purged once. */
class Seen {
public:
    Seen() = default;
    Seen(const Seen&) = delete;
    Seen& operator=(const Seen&) = delete;
    ~Seen() { std::free(inodes_); }

    /** Whether it is new; without memory everything is, which does no harm. */
    bool add(ino_t inode) noexcept {
        if (std::find(inodes_, inodes_ + count_, inode) != inodes_ + count_) return false;
        void* const more = std::realloc(inodes_, (count_ + 1) * sizeof(ino_t));
        if (more != nullptr) {
            inodes_ = static_cast<ino_t*>(more);
            inodes_[count_++] = inode;
        }
        return true;
    }

private:
    ino_t* inodes_ = nullptr;
    std::size_t count_ = 0;
};

/** Drop the pages of a range; how many they are. */
std::uint64_t drop(Locked& region, Range& range) noexcept {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t first = range.first, last = range.last;
    range.purged = 1;
    // another holder wrote nonsense there
    if (first > last || last >= static_cast<std::uint64_t>(state_at) / page) return 0;
    const std::uint64_t pages = last - first + 1;
    (void)::syscall(SYS_fallocate, region.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    first * page, pages * page);
    return pages;
}

} // namespace

std::uint64_t purge(Locked& region, std::uint64_t max_pages) noexcept {
    const std::unique_ptr<Place[], decltype(&std::free)> places(
        static_cast<Place*>(std::calloc(max_ranges, sizeof(Place))), std::free);
    if (!places) return 0;
    const std::uint32_t count =
        not_purged(*region, std::span<Place, max_ranges>(places.get(), max_ranges));
    std::uint64_t done = 0;
    for (std::uint32_t i = 0; i < count && done < max_pages; ++i)
        done += drop(region, region->ranges[places[i].at]);
    return done;
}

namespace {

/** Call a function with each region that a folder of descriptors shows. */
template <class Function>
void each_in(const char* folder, Seen& seen, Function function) noexcept {
    DIR* const entries = ::opendir(folder);
    if (entries == nullptr) return;
    while (const dirent* entry = ::readdir(entries)) {
        char link[sizeof(link_prefix)];
        const ssize_t got = ::readlinkat(::dirfd(entries), entry->d_name, link, sizeof(link) - 1);
        if (got != ssize_t{sizeof(link) - 1} ||
            std::memcmp(link, link_prefix, sizeof(link) - 1) != 0)
            continue;
        const int fd = static_cast<int>(
            ::syscall(SYS_openat, ::dirfd(entries), entry->d_name, O_RDWR | O_CLOEXEC));
        if (fd < 0) continue;
        if (is_emulated(fd) && seen.add(real::status(fd).st_ino)) {
            Locked region(fd, Locked::Wait::briefly);
            if (region) function(region);
        }
        ::close(fd);
    }
    ::closedir(entries);
}

/** A region that has maps alone is no longer to be unpinned or purged: so is the driver's. */
template <class Function>
void each_of(const char* process, Seen& seen, Function function) noexcept {
    char folder[sizeof("/proc//fd") + NAME_MAX];
    std::snprintf(folder, sizeof(folder), "/proc/%s/fd", process);
    each_in(folder, seen, function);
}

/** Half of what this process holds unpinned; at least some 16 MiB. */
void relieve() noexcept {
    Seen counted, purged;
    std::uint64_t pages = 0;
    each_of("self", counted, [&](Locked& region) { pages += purgeable(*region); });
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::uint64_t wanted = std::max<std::uint64_t>(pages / 2, (std::uint64_t{16} << 20) / page);
    each_of("self", purged, [&](Locked& region) {
        if (wanted > 0) wanted -= std::min(wanted, purge(region, wanted));
    });
}

/**
 * The kernel's file that tells of stalls. The program may close its number, as daemons
 * do, and get it again for another file: it is ours only while it is this file.
 */
class Watch {
public:
    /** Begin, unless it has begun. */
    [[nodiscard]] bool claim() noexcept { return !begun_.exchange(true); }

    /** Have the kernel tell; the descriptor to wait by, or -1. */
    int open() noexcept {
        const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, "/proc/pressure/memory",
                                                   O_RDWR | O_CLOEXEC | O_NONBLOCK));
        if (fd < 0) return -1;
        if (::syscall(SYS_write, fd, trigger, sizeof(trigger)) != ssize_t{sizeof(trigger)}) {
            ::close(fd);
            return -1;
        }
        const struct stat status = real::status(fd);
        device_ = status.st_dev;
        inode_ = status.st_ino;
        fd_ = fd;
        return fd;
    }

    [[nodiscard]] bool is_ours(int fd) const noexcept {
        const struct stat status = real::status(fd);
        return status.st_dev == device_ && status.st_ino == inode_;
    }

    /** Let go, so that the next UNPIN may begin anew. */
    void end() noexcept {
        const int fd = fd_.exchange(-1);
        if (fd >= 0 && is_ours(fd)) ::close(fd);
        begun_ = false;
    }

private:
    std::atomic<bool> begun_{false};
    std::atomic<int> fd_{-1};
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

Watch pressure;

void* watch(void* descriptor) noexcept {
    const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(descriptor));
    while (pressure.is_ours(fd)) {
        pollfd wanted{fd, POLLPRI, 0};
        const int ready = ::poll(&wanted, 1, -1);
        if (ready < 0 && errno == EINTR) continue;
        // nothing is told with any other error
        if ((wanted.revents & (POLLPRI | POLLERR | POLLNVAL)) != POLLPRI) break;
        relieve();
    }
    pressure.end();
    return nullptr;
}

/** The child of a fork has no thread but the one that forked. */
void after_fork() noexcept {
    const int error = errno;
    pressure.end();
    errno = error;
}

} // namespace

std::uint64_t purge_system() noexcept {
    std::uint64_t pages = 0;
    Seen seen;
    DIR* const processes = ::opendir("/proc");
    if (processes == nullptr) return 0;
    while (const dirent* entry = ::readdir(processes))
        if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
            each_of(entry->d_name, seen,
                    [&](Locked& region) { pages += purge(region, UINT64_MAX); });
    ::closedir(processes);
    return pages;
}

void watch_pressure() noexcept {
    static std::atomic<bool> prepared{false};
    if (!pressure.claim()) return;
    if (!prepared.exchange(true)) ::pthread_atfork(nullptr, nullptr, after_fork);
    const int error = errno;
    if (const int fd = pressure.open(); fd >= 0) {
        // the program's signals are not for this thread
        sigset_t every, before;
        ::sigfillset(&every);
        ::pthread_sigmask(SIG_SETMASK, &every, &before);
        pthread_attr_t detached;
        ::pthread_attr_init(&detached);
        ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        if (::pthread_create(&thread, &detached, watch,
                             reinterpret_cast<void*>(static_cast<std::intptr_t>(fd))) != 0)
            pressure.end();
        ::pthread_attr_destroy(&detached);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    errno = error;
}

} // namespace ashmem::preload

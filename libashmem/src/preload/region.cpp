// SPDX-License-Identifier: Apache-2.0
// The ioctls, maps and reads of an emulated region.
#include "region.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "../posix.hpp"
#include "lock.hpp"
#include "purge.hpp"
#include "ranges.hpp"
#include "real.hpp"
#include "state.hpp"

namespace ashmem::preload::region {
namespace {

/** Offsets of data that a map can have, in bytes: far from the state. */
constexpr off_t max_offset = off_t{1} << 60;

std::uint64_t page_size() noexcept {
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/** A string up to its NUL, cut to what fits; no page beyond the NUL is touched. */
bool copy_string(const Locked& state, char (&to)[ASHMEM_NAME_LEN], unsigned long from) noexcept {
    std::size_t done = 0;
    while (done < sizeof(to)) {
        const unsigned long at = from + done;
        const std::size_t part =
            std::min<std::size_t>(sizeof(to) - done, page_size() - at % page_size());
        if (!state.copy_in(to + done, at, part)) return false;
        if (std::memchr(to + done, 0, part) != nullptr) return true;
        done += part;
    }
    to[sizeof(to) - 1] = '\0';
    return true;
}

bool reads_mean_exec() noexcept {
    const int now = ::personality(0xffffffff);
    return now >= 0 && (now & READ_IMPLIES_EXEC) != 0;
}

bool may_purge() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capget, &header, data) != 0) return false;
    return (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) != 0;
}

int set_name(Locked& state, unsigned long from) noexcept {
    char name[ASHMEM_NAME_LEN] = {};
    if (!copy_string(state, name, from)) return -1;
    if (state->mapped != 0) return failed(EINVAL);
    std::memset(state->name, 0, sizeof(name));
    std::memcpy(state->name, name, ::strnlen(name, sizeof(name) - 1));
    return 0;
}

int get_name(const Locked& state, unsigned long to) noexcept {
    char name[ASHMEM_NAME_LEN] = ASHMEM_NAME_DEF;
    // another process may have left it without a NUL
    if (state->name[0] != '\0') std::memcpy(name, state->name, sizeof(name) - 1);
    return state.copy_out(name, to, ::strnlen(name, sizeof(name) - 1) + 1) ? 0 : -1;
}

int set_mask(Locked& state, unsigned long prot) noexcept {
    if ((prot & ~static_cast<unsigned long>(state->mask())) != 0) return failed(EINVAL);
    if ((prot & PROT_READ) != 0 && reads_mean_exec()) prot |= PROT_EXEC;
    state->removed |= ~static_cast<std::uint32_t>(prot);
    return 0;
}

/** What libc makes of the size that the kernel returns as a long. */
int get_size(std::uint64_t exact) noexcept {
    constexpr long max_errno = 4095;
    const auto size = static_cast<long>(exact);
    return size < 0 && size >= -max_errno ? failed(static_cast<int>(-size))
                                          : static_cast<int>(size);
}

int pin_command(Locked& state, unsigned command, unsigned long from) noexcept {
    ashmem_pin pin{};
    if (!state.copy_in(&pin, from, sizeof(pin))) return -1;
    const std::uint64_t size = in_pages(state->size), page = page_size();
    if (state->mapped == 0 || pin.offset > size) return failed(EINVAL);
    const std::uint64_t bytes = pin.len != 0 ? pin.len : size - pin.offset;
    if (pin.offset % page != 0 || bytes % page != 0 || bytes > size - pin.offset)
        return failed(EINVAL);
    const std::uint64_t first = pin.offset / page, last = first + bytes / page - 1;
    if (bytes == 0) return command == ASHMEM_GET_PIN_STATUS ? ASHMEM_IS_PINNED : 0;

    int ret = 0;
    if (command == ASHMEM_PIN) {
        ret = preload::pin(*state, first, last);
    } else if (command == ASHMEM_UNPIN) {
        // a process that may not write must not destroy data
        if ((state->mask() & PROT_WRITE) != 0) ret = -unpin(*state, first, last);
    } else {
        ret = any_unpinned(*state, first, last) ? ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED;
    }
    return ret < 0 ? failed(-ret) : ret;
}

int get_file_id(const Locked& state, unsigned long to) noexcept {
    if (state->mapped == 0) return failed(EINVAL);
    auto id = static_cast<unsigned long>(real::status(state.fd()).st_ino);
    return state.copy_out(&id, to, sizeof(id)) ? 0 : -1;
}

/** What needs no lock, nor a descriptor. */
int look_up(int fd, unsigned command) noexcept {
    Head head;
    if (!look(fd, head)) return -1;
    return command == ASHMEM_GET_SIZE ? get_size(head.size) : static_cast<int>(head.mask());
}

int change(Locked& state, unsigned command, unsigned long argument) noexcept {
    switch (command) {
        case ASHMEM_SET_NAME:
            return set_name(state, argument);
        case ASHMEM_GET_NAME:
            return get_name(state, argument);
        case ASHMEM_SET_SIZE:
            if (state->mapped != 0) return failed(EINVAL);
            state->size = argument;
            return 0;
        case ASHMEM_SET_PROT_MASK:
            return set_mask(state, argument);
        case ASHMEM_GET_FILE_ID:
            return get_file_id(state, argument);
        default:
            return pin_command(state, command, argument);
    }
}

int locked_ioctl(int fd, unsigned command, unsigned long argument) noexcept {
    int ret;
    bool any_unpinned;
    {
        Locked state(fd);
        if (!state) return -1;
        ret = change(state, command, argument);
        any_unpinned = state->count != 0;
    }
    if (command == ASHMEM_UNPIN && ret == 0 && any_unpinned) watch_pressure();
    return ret;
}

/** Why no file of such a size could be made, 0 if one could; as tmpfs at the first map. */
int creation_error(std::uint64_t size, int flags) noexcept {
    if (size > static_cast<std::uint64_t>(LLONG_MAX)) return EINVAL;
    char mode = '0';
    const int fd = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, "/proc/sys/vm/overcommit_memory", O_RDONLY));
    if (fd >= 0) {
        (void)!::syscall(SYS_read, fd, &mode, sizeof(mode));
        ::close(fd);
    }
    struct sysinfo all {};
    if (mode == '1' || (mode == '0' && (flags & MAP_NORESERVE) != 0) || ::sysinfo(&all) != 0)
        return 0;
    const std::uint64_t memory = (all.totalram + all.totalswap) * std::uint64_t{all.mem_unit};
    return size > memory ? ENOMEM : 0;
}

/** A descriptor to map by: one for reading only gives maps that stay so, mprotect or not. */
int map_descriptor(const Locked& state, int fd, int flags) noexcept {
    const bool narrowed = (state->mask() & PROT_WRITE) == 0 && (flags & MAP_TYPE) != MAP_PRIVATE;
    return narrowed ? reopen(fd, O_RDONLY | O_CLOEXEC) : fd;
}

/** The name of a private map, which is plain zeroed memory, where the kernel shows such names. */
void show_name(void* map, std::size_t length, const State& state) noexcept {
#ifndef PR_SET_VMA
    constexpr int PR_SET_VMA = 0x53564d41, PR_SET_VMA_ANON_NAME = 0;
#endif
    constexpr std::size_t max_name = 80;
    const int error = errno;
    char name[max_name] = ASHMEM_NAME_DEF "/";
    constexpr std::size_t prefix = sizeof(ASHMEM_NAME_DEF); // the slash counts for the NUL
    const std::size_t shown = ::strnlen(state.name, max_name - prefix - 1);
    std::memcpy(name + prefix, state.name, shown);
    if (shown == 0) name[prefix - 1] = '\0';
    (void)::prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, map, length, name);
    errno = error;
}

/** What lies past the region's end faults, as the driver's does: it is past the file's. */
bool end_with_region(void* map, std::size_t length, int prot, int flags, int fd, off_t offset,
                     std::uint64_t size) noexcept {
    const auto from = static_cast<std::uint64_t>(offset);
    if (from <= size && length <= size - from) return true;
    const std::uint64_t inside = from < size ? size - from : 0;
    constexpr off_t past = (state_at + (off_t{1} << 61));
    // the place is the map's own by now
    const int over = (flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED;
    return real::map(static_cast<std::byte*>(map) + inside, length - inside, prot, over, fd,
                     past) != MAP_FAILED;
}

/** Why the driver would refuse a map, 0 if it would not; in its order. */
int map_error(const State& state, int fd, std::size_t length, int prot, int flags,
              off_t offset) noexcept {
    const bool writes = (flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) != 0;
    if (!real::may_read(fd) || (writes && !real::may_write(fd))) return EACCES;
    if (length == 0 || state.size == 0 || in_pages(length) > in_pages(state.size)) return EINVAL;
    int wanted = prot;
    if ((prot & PROT_READ) != 0 && reads_mean_exec()) wanted |= PROT_EXEC;
    constexpr int all_rights = PROT_READ | PROT_WRITE | PROT_EXEC;
    if ((wanted & all_rights & ~static_cast<int>(state.mask())) != 0) return EPERM;
    if (const int error = state.mapped == 0 ? creation_error(state.size, flags) : 0) return error;
    if (offset < 0 || offset > max_offset)
        return static_cast<std::uint64_t>(offset) % page_size() != 0 ? EINVAL : EOVERFLOW;
    return 0;
}

/** A map that ends where the region does, or MAP_FAILED. */
void* map_region(Locked& state, void* at, std::size_t length, int prot, int flags, int by,
                 off_t offset) noexcept {
    const bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    const std::uint64_t size = in_pages(state->size);
    // the place that the program chose may be the state's
    state.leave();
    void* const map = shared ? real::map(at, length, prot, flags, by, offset)
                             : real::map(at, length, prot, flags | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return map;
    if (!shared || end_with_region(map, length, prot, flags, by, offset, size))
        if (state.enter()) return map;
    const int error = errno;
    ::munmap(map, length);
    errno = error;
    return MAP_FAILED;
}

ssize_t read_at(int fd, const Head& head, const iovec* parts, int count, off_t position) noexcept {
    if (!real::may_read(fd)) return failed(EBADF);
    if (head.size == 0) return 0;
    if (head.mapped == 0) return failed(EBADF);

    std::uint64_t at = static_cast<std::uint64_t>(position);
    ssize_t done = 0;
    for (int i = 0; i < count && at < head.size; ++i) {
        const std::size_t wanted = std::min<std::uint64_t>(parts[i].iov_len, head.size - at);
        const ssize_t got = ::syscall(SYS_pread64, fd, parts[i].iov_base, wanted, at);
        if (got < 0 && done == 0) return -1;
        if (got > 0) done += got, at += static_cast<std::uint64_t>(got);
        if (got != static_cast<ssize_t>(wanted)) break;
    }
    return done;
}

} // namespace

int ioctl(int fd, unsigned command, unsigned long argument) noexcept {
    switch (command) {
        case ASHMEM_PURGE_ALL_CACHES:
            if (!may_purge()) return failed(EPERM);
            return static_cast<int>(std::min<std::uint64_t>(purge_system(), INT_MAX));
        case ASHMEM_GET_SIZE:
        case ASHMEM_GET_PROT_MASK:
            return look_up(fd, command);
        case ASHMEM_SET_NAME:
        case ASHMEM_GET_NAME:
        case ASHMEM_SET_SIZE:
        case ASHMEM_SET_PROT_MASK:
        case ASHMEM_UNPIN:
        case ASHMEM_PIN:
        case ASHMEM_GET_PIN_STATUS:
        case ASHMEM_GET_FILE_ID:
            break;
        // these are every file's
        case FIOCLEX:
        case FIONCLEX:
        case FIONBIO:
        case FIOASYNC:
            return static_cast<int>(::syscall(SYS_ioctl, fd, command, argument));
        default:
            return failed(ENOTTY);
    }
    return locked_ioctl(fd, command, argument);
}

void* map(void* at, std::size_t length, int prot, int flags, int fd, off_t offset) noexcept {
    Locked state(fd);
    if (!state) return MAP_FAILED;
    if (const int error = map_error(*state, fd, length, prot, flags, offset)) {
        errno = error;
        return MAP_FAILED;
    }
    const int by = map_descriptor(state, fd, flags);
    if (by < 0) return MAP_FAILED;
    void* const map = map_region(state, at, length, prot, flags, by, offset);
    if (map != MAP_FAILED) {
        if ((flags & MAP_TYPE) == MAP_PRIVATE) show_name(map, length, *state);
        state->mapped = 1;
    }
    if (by != fd) {
        const int error = errno;
        ::close(by);
        errno = error;
    }
    return map;
}

ssize_t read(int fd, const iovec* parts, int count, const off_t* offset) noexcept {
    if (offset != nullptr) {
        if (*offset < 0) return failed(EINVAL);
        Head head;
        return look(fd, head) ? read_at(fd, head, parts, count, *offset) : -1;
    }
    // the position is every holder's
    const Locked state(fd);
    if (!state) return -1;
    const off_t position = real::seek(fd, 0, SEEK_CUR);
    if (position < 0) return -1;
    const ssize_t done = read_at(fd, *state, parts, count, position);
    if (done > 0) (void)real::seek(fd, position + done, SEEK_SET);
    return done;
}

off_t seek(int fd, off_t offset, int whence) noexcept {
    Locked state(fd);
    if (!state) return -1;
    if (state->size == 0) return failed(EINVAL);
    if (state->mapped == 0) return failed(EBADF);
    const auto size = static_cast<off_t>(state->size);
    if (whence == SEEK_END) {
        if (__builtin_add_overflow(size, offset, &offset) || offset < 0) return failed(EINVAL);
        return real::seek(fd, offset, SEEK_SET);
    }
    if (whence != SEEK_DATA && whence != SEEK_HOLE) return real::seek(fd, offset, whence);
    if (offset < 0 || offset >= size) return failed(ENXIO);
    // By the lock's own description, for what lies beyond the size is no data. The state is
    // found there at the latest.
    const off_t found = real::seek(state.fd(), offset, whence);
    if (whence == SEEK_DATA && found >= size) return failed(ENXIO);
    return real::seek(fd, std::min(found, size), SEEK_SET);
}

} // namespace ashmem::preload::region

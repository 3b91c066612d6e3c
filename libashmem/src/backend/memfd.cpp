// SPDX-License-Identifier: Apache-2.0
// Regions without the driver: a sealed memfd. README.md says what it cannot do.
#include "ops.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "../posix.hpp"
#include "sealed.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace ashmem::backend {
namespace {

constexpr char default_name[] = "none";
// The kernel's limit for the name of a memfd, without its NUL.
constexpr std::size_t max_name = 249;
// How /proc shows a memfd, before and after its name.
constexpr char link_prefix[] = "/memfd:";
constexpr char link_suffix[] = " (deleted)";

constexpr int all_rights = PROT_READ | PROT_WRITE | PROT_EXEC;

int failed(int error) noexcept {
    errno = error;
    return -1;
}

// Cleared once the kernel was seen not to know MFD_EXEC.
std::atomic<bool> exec_is_known{true};

/**
 * A memfd that may be executed, which newer kernels want to be told; one that may not where
 * vm.memfd_noexec forbids it, which is no matter to maps. From 6.3 to 6.5 that had to be asked
 * for by name.
 */
int open_memfd(const char* name) noexcept {
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    const bool known = exec_is_known.load(std::memory_order_relaxed);
    int fd = ::memfd_create(name, known ? flags | MFD_EXEC : flags);
    if (fd < 0 && known && (errno == EINVAL || errno == EACCES)) {
        if (errno == EINVAL) exec_is_known.store(false, std::memory_order_relaxed);
        fd = ::memfd_create(name, flags);
    }
    if (fd < 0 && errno == EACCES) fd = ::memfd_create(name, flags | MFD_NOEXEC_SEAL);
    return fd;
}

std::int64_t size(int fd) noexcept {
    struct stat status {};
    return stat_region(fd, status) ? status.st_size : -1;
}

bool size_is_fixed(int fd) noexcept {
    constexpr int both = F_SEAL_GROW | F_SEAL_SHRINK;
    return (seals_of_region(fd) & both) == both;
}

/** EINVAL for a range that the driver would refuse, whose rules these are. */
bool check_range(int fd, const Range& range) noexcept {
    const std::int64_t exact = range.region_size != unknown_size ? range.region_size : size(fd);
    if (exact < 0) return false;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto end = in_pages(static_cast<std::uint64_t>(exact));
    const auto [offset, length, ignored] = range;
    const bool fits = std::in_range<std::uint32_t>(offset) &&
                      std::in_range<std::uint32_t>(length) && offset % page == 0 &&
                      length % page == 0 && offset <= end && length <= end - offset;
    if (!fits) errno = EINVAL;
    return fits;
}

/** Whether this thread could purge everybody's caches, were there any. */
bool may_purge() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capget, &header, data) != 0) return false;
    return (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) != 0;
}

bool is_region(int fd) noexcept {
    return seals_of_region(fd) >= 0;
}

int create(const char* name, std::size_t size) noexcept {
    char cut[max_name + 1] = {};
    std::strncpy(cut, name != nullptr ? name : default_name, max_name);
    if (!std::in_range<off_t>(size)) return failed(EINVAL);

    const int fd = open_memfd(cut);
    if (fd < 0) return -1;
    if (::ftruncate(fd, static_cast<off_t>(size)) != 0 ||
        ::fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
        close_keeping_errno(fd);
        return -1;
    }
    return fd;
}

int name(int fd, char* name, std::size_t size) noexcept {
    if (!is_region(fd)) return -1;
    char path[sizeof("/proc/thread-self/fd/") + 3 * sizeof(fd)];
    std::snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);

    constexpr std::size_t before = sizeof(link_prefix) - 1, after = sizeof(link_suffix) - 1;
    char link[before + max_name + after + 1];
    const ssize_t got = ::readlink(path, link, sizeof(link));
    if (got < 0) return -1;
    const auto length = static_cast<std::size_t>(got);
    if (length < before + after || std::memcmp(link, link_prefix, before) != 0)
        return failed(ENOTTY);

    const std::size_t known = length - before - after;
    if (known >= size) return failed(ERANGE);
    std::memcpy(name, link + before, known);
    name[known] = '\0';
    return static_cast<int>(known);
}

int protection(int fd) noexcept {
    const int seals = seals_of_region(fd);
    if (seals < 0) return -1;
    const bool writable = (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) == 0;
    return writable ? all_rights : all_rights & ~PROT_WRITE;
}

int set_protection(int fd, int wanted) noexcept {
    const int now = protection(fd);
    if (now < 0) return -1;
    if ((wanted & ~now) != 0) return failed(EINVAL);
    // No seal forbids reading, so a caller that asks for that gets an error.
    if ((wanted & PROT_READ) == 0) return failed(EOPNOTSUPP);
    if ((wanted & PROT_WRITE) != 0 || (now & PROT_WRITE) == 0) return 0;
    return ::fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
}

int pin(int fd, Range range) noexcept {
    return check_range(fd, range) ? ASHMEM_NOT_PURGED : -1;
}

int unpin(int fd, Range range) noexcept {
    return check_range(fd, range) ? 0 : -1;
}

int pin_status(int fd, Range range) noexcept {
    return check_range(fd, range) ? ASHMEM_IS_PINNED : -1;
}

int purge_all(int fd) noexcept {
    if (!is_region(fd)) return -1;
    return may_purge() ? 0 : failed(EPERM);
}

} // namespace

const Ops memfd_ops = {
    .create = create,
    .is_region = is_region,
    .size = size,
    .size_is_fixed = size_is_fixed,
    .name = name,
    .protection = protection,
    .set_protection = set_protection,
    .pin = pin,
    .unpin = unpin,
    .pin_status = pin_status,
    .purge_all = purge_all,
};

} // namespace ashmem::backend

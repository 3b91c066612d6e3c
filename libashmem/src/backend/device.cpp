// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Holds the library's only open() of the device and its only ioctl().
 */
#include "ops.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "../posix.hpp"
#include "fdinfo.hpp"

namespace ashmem::backend {
namespace {

enum class Kind {
    region,  ///< an ashmem region
    foreign, ///< open, and something else
    closed,  ///< not an open descriptor
    unknown, ///< a character device, and no node to compare it with
    untold,  ///< the kernel refused to say, with errno
};

constexpr char plain_path[] = "/dev/ashmem";
constexpr char boot_id_file[] = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t boot_id_length = 36;

struct Path {
    char text[sizeof(plain_path) + boot_id_length];
};

// Device number of the node that regions come from; 0 until it is known.
std::atomic<dev_t> known_device{0};

// Set once regions were seen to come from the plain path: most systems have
// no node with a boot id, and each look for one reads a file of /proc.
std::atomic<bool> plain_path_works{false};

int open_retrying(const char* path, int flags) noexcept {
    int fd;
    do {
        fd = ::open(path, flags | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/** Write /dev/ashmem<boot id> to `path`; false if there is no boot id. */
bool boot_path(Path& path) noexcept {
    const int fd = open_retrying(boot_id_file, O_RDONLY);
    if (fd < 0) return false;

    char boot_id[boot_id_length];
    const ssize_t got = ::read(fd, boot_id, sizeof(boot_id));
    close_keeping_errno(fd);
    if (got != ssize_t{boot_id_length}) return false;

    std::snprintf(path.text, sizeof(path.text), "%s%.*s", plain_path,
                  static_cast<int>(boot_id_length), boot_id);
    return true;
}

/** An open node, which need not be the driver's. */
struct Node {
    int fd = -1;
    bool is_plain = false;
};

Node open_device() noexcept {
    Path path{};
    if (!plain_path_works && boot_path(path)) {
        const int fd = open_retrying(path.text, O_RDWR | O_NOCTTY);
        // A node that is there and refuses is an answer, not a reason to try the other.
        if (fd >= 0 || errno != ENOENT) return {fd, false};
    }
    return {open_retrying(plain_path, O_RDWR | O_NOCTTY), true};
}

/** For a node that answered as the driver does. */
void remember_device(const Node& node) noexcept {
    if (node.is_plain) plain_path_works = true;
    if (known_device != 0) return;
    struct stat status {};
    if (::fstat(node.fd, &status) == 0 && S_ISCHR(status.st_mode)) known_device = status.st_rdev;
}

/** Look the device number up by path; 0 if neither node is there. */
dev_t look_up_device() noexcept {
    Path path{};
    struct stat status {};
    const bool found =
        (boot_path(path) && ::stat(path.text, &status) == 0) || ::stat(plain_path, &status) == 0;
    return found && S_ISCHR(status.st_mode) ? status.st_rdev : 0;
}

/**
 * The one ioctl() of the library.
 *
 * GET_SIZE must not be retried: a size of 4294967292 comes back as -4, which
 * is how the kernel spells EINTR, and would be asked for forever.
 */
int call(int fd, unsigned long request, unsigned long argument) noexcept {
    int answer;
    do {
        answer = ::ioctl(fd, request, argument);
    } while (answer < 0 && errno == EINTR && request != ASHMEM_GET_SIZE);
    return answer;
}

Kind identify_by_number(int fd) noexcept {
    // fstat() answers for O_PATH descriptors too, on which nothing else works.
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) return errno == EBADF ? Kind::closed : Kind::untold;
    if ((flags & O_PATH) != 0) return Kind::closed;

    struct stat status {};
    if (::fstat(fd, &status) != 0) return Kind::untold;
    if (!S_ISCHR(status.st_mode)) return Kind::foreign;
    if (status.st_rdev == known_device) return Kind::region;

    // A reloaded module may have another number than the one in the cache.
    const dev_t current = look_up_device();
    if (current == 0 && known_device == 0) return Kind::unknown;
    // The node may be another driver's.
    if (status.st_rdev != current || call(fd, ASHMEM_GET_PROT_MASK, 0) < 0) return Kind::foreign;
    known_device = current;
    return Kind::region;
}

/** Tell what a descriptor is. Leaves errno as it is. */
Kind identify(int fd) noexcept {
    const int error = errno;
    const Kind kind = identify_by_number(fd);
    errno = error;
    return kind;
}

/** Turn a failure on something that is no region into EBADF or ENOTTY. */
void explain_failure(int fd) noexcept {
    const Kind kind = identify(fd);
    if (kind == Kind::closed) errno = EBADF;
    if (kind == Kind::foreign) errno = ENOTTY;
}

/** Ask first and look at the descriptor only on failure: one call when all is well. */
int ask(int fd, unsigned long request, unsigned long argument = 0) noexcept {
    const int answer = call(fd, request, argument);
    if (answer < 0) explain_failure(fd);
    return answer;
}

int ask(int fd, unsigned long request, const void* argument) noexcept {
    return ask(fd, request, reinterpret_cast<unsigned long>(argument));
}

int ask_about_range(int fd, unsigned long request, const Range& range) noexcept {
    if (!std::in_range<std::uint32_t>(range.offset) ||
        !std::in_range<std::uint32_t>(range.length)) {
        errno = EINVAL;
        return -1;
    }
    const ashmem_pin bytes{static_cast<__u32>(range.offset), static_cast<__u32>(range.length)};
    return ask(fd, request, &bytes);
}

/**
 * Whether the region ends where 32 bits can count; false if that cannot be told: before the
 * first map, by a driver that cannot be read or a descriptor that may not be.
 */
bool ends_within_32_bits(int fd) noexcept {
    char byte;
    return ::pread(fd, &byte, 1, off_t{1} << 32) == 0;
}

/** Size from the end of the backing file, which exists after the first map; else -1. */
std::int64_t size_by_seeking(int fd) noexcept {
    const off_t position = ::lseek(fd, 0, SEEK_CUR);
    if (position < 0) return -1;
    const off_t end = ::lseek(fd, 0, SEEK_END);
    (void)::lseek(fd, position, SEEK_SET);
    return end;
}

bool is_region(int fd) noexcept {
    const Kind kind = identify_by_number(fd);
    if (kind == Kind::region) return true;
    if (kind != Kind::untold) errno = kind == Kind::closed ? EBADF : ENOTTY;
    return false;
}

int create(const char* name, std::size_t size) noexcept {
    const Node node = open_device();
    if (node.fd < 0) return -1;

    if (ask(node.fd, ASHMEM_SET_NAME, name != nullptr ? name : "none") < 0 ||
        ask(node.fd, ASHMEM_SET_SIZE, size) < 0) {
        close_keeping_errno(node.fd);
        return -1;
    }
    remember_device(node);
    return node.fd;
}

/*
 * The kernel carries the driver's answer in an int, so only its lower 32 bits
 * count, and sizes just below 4 GiB even look like error numbers. GET_SIZE
 * never fails on a region: what looks like failure there is a size, unless
 * something else contradicts it. A sandbox may refuse the call.
 */
std::int64_t size(int fd) noexcept {
    const int answer = call(fd, ASHMEM_GET_SIZE, 0);
    const bool failure = answer == -1;
    if (failure && identify(fd) != Kind::region) {
        explain_failure(fd);
        return -1;
    }
    const auto low = static_cast<std::uint32_t>(failure ? -errno : answer);
    const auto agrees = [=](std::uint64_t other) {
        return failure || static_cast<std::uint32_t>(other) == low;
    };

    if (!failure && low != 0 && ends_within_32_bits(fd)) return low;

    std::uint64_t full = 0;
    if (!fdinfo_number(fd, "size:", full) || !agrees(full)) {
        const std::int64_t end = size_by_seeking(fd);
        full = end >= 0 && agrees(static_cast<std::uint64_t>(end)) ? static_cast<std::uint64_t>(end)
                                                                   : low;
        // A negative answer is a size of 2 GiB or more; how much more, nothing told.
        if (end < 0 && answer < 0) full = UINT64_MAX;
    }
    if (full > INT64_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    return static_cast<std::int64_t>(full);
}

bool size_is_fixed(int) noexcept {
    return false;
}

int name(int fd, char* name, std::size_t size) noexcept {
    char whole[ASHMEM_NAME_LEN] = {};
    if (ask(fd, ASHMEM_GET_NAME, whole) < 0) return -1;

    const std::size_t length = ::strnlen(whole, sizeof(whole) - 1);
    if (length >= size) {
        errno = ERANGE;
        return -1;
    }
    std::memcpy(name, whole, length);
    name[length] = '\0';
    return static_cast<int>(length);
}

int protection(int fd) noexcept {
    return ask(fd, ASHMEM_GET_PROT_MASK);
}

int set_protection(int fd, int protection) noexcept {
    return ask(fd, ASHMEM_SET_PROT_MASK, static_cast<unsigned long>(protection));
}

int pin(int fd, Range range) noexcept {
    return ask_about_range(fd, ASHMEM_PIN, range);
}

int unpin(int fd, Range range) noexcept {
    return ask_about_range(fd, ASHMEM_UNPIN, range);
}

int pin_status(int fd, Range range) noexcept {
    return ask_about_range(fd, ASHMEM_GET_PIN_STATUS, range);
}

int purge_all(int fd) noexcept {
    return ask(fd, ASHMEM_PURGE_ALL_CACHES);
}

} // namespace

const Ops device_ops = {
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

bool device_is_supported() noexcept {
    const Node node = open_device();
    if (node.fd < 0) return false;
    const bool answers = call(node.fd, ASHMEM_GET_PROT_MASK, 0) >= 0;
    if (answers) remember_device(node);
    close_keeping_errno(node.fd);
    return answers;
}

} // namespace ashmem::backend

// SPDX-License-Identifier: Apache-2.0
// What this library knows of /dev/ashmem.
#include "node.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "real.hpp"

namespace ashmem::preload::node {
namespace {

constexpr char device_path[] = "/dev/ashmem";
constexpr unsigned misc_major = 10, emulated_minor = 255; // MISC_DYNAMIC_MINOR, which no node has
constexpr unsigned device_minor = 0xfffff;                // of a file system that is not there
constexpr ino_t inode = 0x6173686d;                       // "ashm"
constexpr blksize_t block_size = 4096;

bool device_is_absent() noexcept {
    const int error = errno;
    const bool there = ::syscall(SYS_faccessat, AT_FDCWD, device_path, R_OK | W_OK) == 0 &&
                       S_ISCHR(real::status(AT_FDCWD, device_path).st_mode);
    errno = error;
    return !there;
}

/** The last of some slashes, which are as good as one. */
const char* last_slash(const char* at) noexcept {
    while (at[0] == '/' && at[1] == '/')
        ++at;
    return at;
}

} // namespace

bool is_at(const char* path) noexcept {
    path = maybe_null(path);
    if (path == nullptr || path[0] != '/') return false;
    path = last_slash(path);
    constexpr std::size_t folder = sizeof("/dev") - 1;
    return std::strncmp(path, device_path, folder) == 0 &&
           std::strcmp(last_slash(path + folder), device_path + folder) == 0;
}

When emulated() noexcept {
    const char* const text = ::secure_getenv("LIBASHMEM_BACKEND");
    if (text == nullptr || *text == '\0' || std::strcmp(text, "auto") == 0)
        return When::without_device;
    if (std::strcmp(text, "memfd") == 0) return When::always;
    if (std::strcmp(text, "device") == 0) return When::never;
    return When::invalid;
}

bool is_ours(const char* path) noexcept {
    if (!is_at(path)) return false;
    const When choice = emulated();
    return choice == When::always || (choice == When::without_device && device_is_absent());
}

bool is_driver(int fd) noexcept {
    const int error = errno;
    // with O_PATH nothing can be asked
    errno = 0;
    (void)::syscall(SYS_ioctl, fd, ASHMEM_GET_SIZE, 0);
    const bool foreign = errno == ENOTTY;
    const bool is_node = S_ISCHR(real::status(fd).st_mode);
    errno = error;
    return is_node && !foreign;
}

void show(struct stat& status) noexcept {
    status = {};
    status.st_dev = ::makedev(0, device_minor);
    status.st_ino = inode;
    status.st_mode = S_IFCHR | 0666;
    status.st_nlink = 1;
    status.st_rdev = ::makedev(misc_major, emulated_minor);
    status.st_blksize = block_size;
}

void show(struct statx& status) noexcept {
    status = {};
    status.stx_mask = STATX_BASIC_STATS;
    status.stx_dev_minor = device_minor;
    status.stx_ino = inode;
    status.stx_mode = S_IFCHR | 0666;
    status.stx_nlink = 1;
    status.stx_rdev_major = misc_major;
    status.stx_rdev_minor = emulated_minor;
    status.stx_blksize = block_size;
}

} // namespace ashmem::preload::node

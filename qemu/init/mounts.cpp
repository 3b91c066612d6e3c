// SPDX-License-Identifier: Apache-2.0
// Mounts the file systems that programs expect.
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "guest.hpp"

namespace vm {
namespace {

struct Mount {
    const char* type;
    const char* where;
    bool required;
};

constexpr Mount mounts[] = {
    {"proc", "/proc", true},
    {"sysfs", "/sys", true},
    {"devtmpfs", "/dev", true},
    {"devpts", "/dev/pts", false},
    {"tmpfs", "/dev/shm", false},
    {"tmpfs", "/tmp", true},
    {"tmpfs", "/run", true},
    // Not every kernel has these.
    {"debugfs", "/sys/kernel/debug", false},
    {"tracefs", "/sys/kernel/tracing", false},
    {"cgroup2", "/sys/fs/cgroup", false},
};

} // namespace

std::string mount_all() {
    for (const Mount& m : mounts) {
        ::mkdir(m.where, 0755);
        if (::mount(m.type, m.where, m.type, 0, nullptr) == 0 || errno == EBUSY) continue;
        if (m.required) return errno_text(std::string{"mount "} + m.where);
    }
    ::chmod("/tmp", 01777);
    ::chmod("/dev/shm", 01777);
    ::symlink("/proc/self/fd", "/dev/fd");
    return {};
}

} // namespace vm

// SPDX-License-Identifier: Apache-2.0
// Chooses what keeps a new region, and tells what keeps an existing one.
#include "backend.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ashmem::backend {
namespace {

constexpr char variable[] = "LIBASHMEM_BACKEND";

enum class Choice { automatic, device, memfd, invalid };

/** What the environment asks for; a program with more rights than its user has is not asked. */
Choice choice() noexcept {
    const char* const text = ::secure_getenv(variable);
    if (text == nullptr || *text == '\0' || std::strcmp(text, "auto") == 0)
        return Choice::automatic;
    if (std::strcmp(text, "device") == 0) return Choice::device;
    if (std::strcmp(text, "memfd") == 0) return Choice::memfd;
    return Choice::invalid;
}

/** Whether a failure to create says that there is no device for this process. */
bool device_is_absent(int error) noexcept {
    return error == ENOENT || error == ENXIO || error == ENODEV || error == EACCES ||
           error == EPERM;
}

} // namespace

Backend of(int fd) noexcept {
    // What this process met last comes first, for one kind is all that most of them meet.
    static std::atomic<bool> memfd_first{false};
    const bool asked = memfd_first.load(std::memory_order_relaxed);
    if (asked && memfd_ops.is_region(fd)) return Backend::memfd;
    if (device_ops.is_region(fd)) {
        if (asked) memfd_first.store(false, std::memory_order_relaxed);
        return Backend::device;
    }
    if (asked || errno != ENOTTY || !memfd_ops.is_region(fd)) return Backend::none;
    memfd_first.store(true, std::memory_order_relaxed);
    return Backend::memfd;
}

int create(const char* name, std::size_t size) noexcept {
    switch (choice()) {
        case Choice::device:
            return device_ops.create(name, size);
        case Choice::memfd:
            return memfd_ops.create(name, size);
        case Choice::automatic:
            break;
        case Choice::invalid:
            errno = EINVAL;
            return -1;
    }
    const int fd = device_ops.create(name, size);
    return fd < 0 && device_is_absent(errno) ? memfd_ops.create(name, size) : fd;
}

} // namespace ashmem::backend

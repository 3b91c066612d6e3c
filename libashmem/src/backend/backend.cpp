// SPDX-License-Identifier: Apache-2.0
// Chooses what keeps a new region, and tells what keeps an existing one.
#include "backend.hpp"

#include <time.h>

#include <cerrno>
#include <cstdint>
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

/** Whether a failure to create says that this process has no device, or another one. */
bool device_is_absent(int error) noexcept {
    switch (error) {
        case ENOENT:
        case ENXIO:
        case ENODEV:
        case EACCES:
        case EPERM:
        case ENOTTY: // a file or a device that is not the driver's
        case EISDIR:
        case ENOTDIR:
        case ELOOP:
        case EROFS:
            return true;
        default:
            return false;
    }
}

// The second in which the device was last found to be absent. Looking for it takes half as
// long as making a memfd, and it may come later.
std::atomic<std::uint32_t> absent_in{0};

/** By a clock that is read without a system call; never 0. */
std::uint32_t this_second() noexcept {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec) | std::uint32_t{1} << 31;
}

int create_by(const Ops& those, const char* name, std::size_t size, const Ops*& ops) noexcept {
    const int fd = those.create(name, size);
    if (fd < 0) return -1;
    ops = &those;
    if (likely_ops.load(std::memory_order_relaxed) != ops)
        likely_ops.store(ops, std::memory_order_relaxed);
    return fd;
}

int create_by_what_is_there(const char* name, std::size_t size, const Ops*& ops) noexcept {
    const std::uint32_t now = this_second();
    if (absent_in.load(std::memory_order_relaxed) != now) {
        const int fd = create_by(device_ops, name, size, ops);
        if (fd >= 0 || !device_is_absent(errno)) return fd;
        absent_in.store(now, std::memory_order_relaxed);
    }
    return create_by(memfd_ops, name, size, ops);
}

} // namespace

std::atomic<const Ops*> likely_ops{&device_ops};

const Ops* ops_of(int fd) noexcept {
    const Ops* const first = likely_ops.load(std::memory_order_relaxed);
    if (first->is_region(fd)) return first;
    if (errno != ENOTTY) return nullptr;
    const Ops* const second = first == &device_ops ? &memfd_ops : &device_ops;
    if (!second->is_region(fd)) return nullptr;
    likely_ops.store(second, std::memory_order_relaxed);
    return second;
}

Backend of(int fd) noexcept {
    const Ops* const ops = ops_of(fd);
    if (ops == nullptr) return Backend::none;
    return ops == &device_ops ? Backend::device : Backend::memfd;
}

int create(const char* name, std::size_t size, const Ops*& ops) noexcept {
    switch (choice()) {
        case Choice::device:
            return create_by(device_ops, name, size, ops);
        case Choice::memfd:
            return create_by(memfd_ops, name, size, ops);
        case Choice::automatic:
            return create_by_what_is_there(name, size, ops);
        case Choice::invalid:
            break;
    }
    errno = EINVAL;
    return -1;
}

int create(const char* name, std::size_t size) noexcept {
    const Ops* ops = nullptr;
    return create(name, size, ops);
}

} // namespace ashmem::backend

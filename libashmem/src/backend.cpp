// SPDX-License-Identifier: Apache-2.0
#include "backend.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "device.hpp"
#include "memfd.hpp"

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

/** The driver's answer, or the memfd's if the descriptor is one. */
template <class Answer, class OnDevice, class OnMemfd>
Answer ask(int fd, OnDevice on_device, OnMemfd on_memfd) noexcept {
    const Answer answer = on_device();
    if (answer >= 0 || errno != ENOTTY || !memfd::is_region(fd)) return answer;
    return on_memfd();
}

} // namespace

Backend of(int fd) noexcept {
    if (device::is_region(fd)) return Backend::device;
    if (errno == ENOTTY && memfd::is_region(fd)) return Backend::memfd;
    return Backend::none;
}

int create(const char* name, std::size_t size) noexcept {
    switch (choice()) {
        case Choice::device:
            return device::create(name, size);
        case Choice::memfd:
            return memfd::create(name, size);
        case Choice::automatic:
            break;
        case Choice::invalid:
            errno = EINVAL;
            return -1;
    }
    const int fd = device::create(name, size);
    return fd < 0 && device_is_absent(errno) ? memfd::create(name, size) : fd;
}

std::int64_t size(int fd) noexcept {
    return ask<std::int64_t>(
        fd, [=] { return device::size(fd); }, [=] { return memfd::size(fd); });
}

int name(int fd, char* name, std::size_t size) noexcept {
    return ask<int>(
        fd, [=] { return device::name(fd, name, size); },
        [=] { return memfd::name(fd, name, size); });
}

int protection(int fd) noexcept {
    return ask<int>(
        fd, [=] { return device::protection(fd); }, [=] { return memfd::protection(fd); });
}

int set_protection(int fd, int protection) noexcept {
    return ask<int>(
        fd, [=] { return device::set_protection(fd, protection); },
        [=] { return memfd::set_protection(fd, protection); });
}

int pin(int fd, std::size_t offset, std::size_t length) noexcept {
    return ask<int>(
        fd, [=] { return device::pin(fd, offset, length); },
        [=] { return memfd::pin(fd, offset, length); });
}

int unpin(int fd, std::size_t offset, std::size_t length) noexcept {
    return ask<int>(
        fd, [=] { return device::unpin(fd, offset, length); },
        [=] { return memfd::unpin(fd, offset, length); });
}

int pin_status(int fd, std::size_t offset, std::size_t length) noexcept {
    return ask<int>(
        fd, [=] { return device::pin_status(fd, offset, length); },
        [=] { return memfd::pin_status(fd, offset, length); });
}

int purge_all(int fd) noexcept {
    return ask<int>(
        fd, [=] { return device::purge_all(fd); }, [] { return memfd::purge_all(); });
}

} // namespace ashmem::backend

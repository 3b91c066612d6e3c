// SPDX-License-Identifier: Apache-2.0
// The same memory by the driver and by memfd.
#pragma once

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "measure.hpp"
#include "support/region.hpp"

namespace costs {

inline constexpr std::size_t page = 4096;

// a memfd of a size; the caller has it closed
class Memfd {
public:
    explicit Memfd(std::size_t size, const char* name = "dev/ashmem")
        : fd_(static_cast<int>(must(memfd_create(name, MFD_CLOEXEC), "memfd_create"))) {
        must(ftruncate(fd_, static_cast<off_t>(size)), "ftruncate");
    }
    Memfd(const Memfd&) = delete;
    Memfd& operator=(const Memfd&) = delete;
    ~Memfd() { close(fd_); }
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

// by direct system calls, where the library's own work would count
inline long pin_call(int fd, unsigned long command, std::size_t first, std::size_t pages) {
    const ashmem_pin range{static_cast<std::uint32_t>(first * page),
                           static_cast<std::uint32_t>(pages * page)};
    return must(ioctl(fd, command, &range), "pin or unpin");
}

inline void touch(const test::Map& map) {
    for (std::size_t at = 0; at < map.size(); at += page)
        map[at] = 1;
}

} // namespace costs

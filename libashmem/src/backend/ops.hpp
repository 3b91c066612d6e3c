// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What can be done with a region, and who does it: the driver, or a memfd where there is
 * no driver.
 *
 * As with system calls, failure is -1 with errno. None of these throws or allocates.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashmem::backend {

struct Ops {
    /** Make a region; returns its descriptor. */
    int (*create)(const char* name, std::size_t size) noexcept;
    /**
     * Tell whether `fd` is a region of this kind. If it is not the driver's, errno says
     * EBADF or ENOTTY; a memfd's leaves errno as it is.
     */
    bool (*is_region)(int fd) noexcept;

    std::int64_t (*size)(int fd) noexcept;
    int (*name)(int fd, char* name, std::size_t size) noexcept;
    int (*protection)(int fd) noexcept;
    int (*set_protection)(int fd, int protection) noexcept;
    int (*pin)(int fd, std::size_t offset, std::size_t length) noexcept;
    int (*unpin)(int fd, std::size_t offset, std::size_t length) noexcept;
    int (*pin_status)(int fd, std::size_t offset, std::size_t length) noexcept;
    int (*purge_all)(int fd) noexcept;
};

extern const Ops device_ops;
/** README.md says what a memfd cannot do. */
extern const Ops memfd_ops;

/** Tell whether the device opens and speaks our protocol. */
[[nodiscard]] bool device_is_supported() noexcept;

} // namespace ashmem::backend

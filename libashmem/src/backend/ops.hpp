// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The operations on a region, and their two implementations: the driver's, and those of a
 * memfd where there is no driver.
 *
 * As with system calls, failure is -1 with errno. None of these throws or allocates.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashmem::backend {

inline constexpr std::int64_t unknown_size = -1;

/** Part of a region, in bytes. */
struct Range {
    std::size_t offset, length;
    /** The region's, if the caller knows it and it cannot change. */
    std::int64_t region_size = unknown_size;
};

/** Each finds out by itself whether `fd` is a region of its kind: if not, EBADF or ENOTTY. */
struct Ops {
    /** Make a region; returns its descriptor. */
    int (*create)(const char* name, std::size_t size) noexcept;
    bool (*is_region)(int fd) noexcept;

    std::int64_t (*size)(int fd) noexcept;
    /** Whether nobody can change the size any more, as far as this can be asked. */
    bool (*size_is_fixed)(int fd) noexcept;
    int (*name)(int fd, char* name, std::size_t size) noexcept;
    int (*protection)(int fd) noexcept;
    int (*set_protection)(int fd, int protection) noexcept;
    int (*pin)(int fd, Range range) noexcept;
    int (*unpin)(int fd, Range range) noexcept;
    int (*pin_status)(int fd, Range range) noexcept;
    int (*purge_all)(int fd) noexcept;
};

extern const Ops device_ops;
/** README.md says what a memfd cannot do. */
extern const Ops memfd_ops;

/** Tell whether the device opens and speaks our protocol. */
[[nodiscard]] bool device_is_supported() noexcept;

} // namespace ashmem::backend

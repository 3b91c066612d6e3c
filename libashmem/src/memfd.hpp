// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regions without the driver: sealed memfds, as Android has had them since 10.
 *
 * As with system calls, failure is -1 with errno. Nothing here throws or
 * allocates. What a memfd cannot do is in README.md.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashmem::memfd {

/** Tell whether `fd` is a memfd that nobody can make shorter. Leaves errno as it is. */
[[nodiscard]] bool is_region(int fd) noexcept;

/** Make a region; returns its descriptor. */
[[nodiscard]] int create(const char* name, std::size_t size) noexcept;

[[nodiscard]] std::int64_t size(int fd) noexcept;
[[nodiscard]] int name(int fd, char* name, std::size_t size) noexcept;
[[nodiscard]] int protection(int fd) noexcept;
[[nodiscard]] int set_protection(int fd, int protection) noexcept;
[[nodiscard]] int pin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int unpin(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int pin_status(int fd, std::size_t offset, std::size_t length) noexcept;
[[nodiscard]] int purge_all() noexcept;

} // namespace ashmem::memfd

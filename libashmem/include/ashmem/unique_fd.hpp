// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>

namespace ashmem {

/**
 * A file descriptor with one owner, who closes it.
 *
 * Layout, part of the ABI: one int.
 */
class [[nodiscard]] ASHMEM_API unique_fd final {
public:
    unique_fd() noexcept = default;
    explicit unique_fd(int fd) noexcept : fd_(fd) {}
    ~unique_fd() { reset(); }

    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    unique_fd(const unique_fd&) = delete;
    unique_fd& operator=(const unique_fd&) = delete;

    /** The descriptor, which stays owned; -1 if there is none. */
    [[nodiscard]] int get() const noexcept { return fd_; }

    /** Tell whether there is a descriptor. */
    [[nodiscard]] bool ok() const noexcept { return fd_ >= 0; }

    /** Give the descriptor away: the caller closes it. */
    [[nodiscard]] int release() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

    /** Close what is owned, and own `fd` instead. Leaves errno as it is. */
    void reset(int fd = -1) noexcept;

private:
    int fd_ = -1;
};

} // namespace ashmem

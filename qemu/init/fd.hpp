// SPDX-License-Identifier: Apache-2.0
// An open file descriptor with one owner.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace vm {

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_{fd} {}
    Fd(const char* path, int flags) noexcept : fd_{::open(path, flags | O_CLOEXEC)} {}
    Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }

    explicit operator bool() const noexcept { return fd_ >= 0; }
    int get() const noexcept { return fd_; }

    bool write_all(std::string_view data) const noexcept {
        while (!data.empty()) {
            const ssize_t done = ::write(fd_, data.data(), data.size());
            if (done <= 0) return false;
            data.remove_prefix(static_cast<size_t>(done));
        }
        return true;
    }

private:
    int fd_ = -1;
};

} // namespace vm

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An open Binder device, and the process that opened it.
 */
#pragma once

#include <ashmem/unique_fd.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>

namespace ashmem::binder {

/**
 * An open device. The driver knows it as one process: what a child of fork() said on it
 * would be taken for its parent's. So a child's copy says nothing; it can only be closed.
 */
class Device {
public:
    /** Open it. Errors: those of Process::open(). */
    static std::shared_ptr<Device> open(const std::string& path, std::error_code& ec);

    /** Use open(). */
    Device(unique_fd fd, std::uint32_t opened_by) noexcept
        : fd_(std::move(fd)), opened_by_(opened_by) {}

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /** Whether this process is a child of the one that opened it. */
    [[nodiscard]] bool inherited() const noexcept;
    /** Ask the driver. @return 0 or an errno; ENOTCONN if the device is inherited() */
    int control(unsigned long request, void* argument) const noexcept;

    /**
     * While there is one, requests of all threads answer EAGAIN instead of waiting. Those
     * that wait already go on. With `ec` set by fcntl() they may wait all the same.
     */
    class Unblocked {
    public:
        Unblocked(Device& device, std::error_code& ec) : device_(device) {
            ec = device_.unblock(1);
        }
        Unblocked(const Unblocked&) = delete;
        Unblocked& operator=(const Unblocked&) = delete;
        ~Unblocked() { (void)device_.unblock(-1); }

    private:
        Device& device_;
    };

private:
    std::error_code unblock(int change);

    unique_fd fd_;
    std::uint32_t opened_by_;
    std::mutex unblocked_lock_;
    int unblocked_ = 0; ///< how many Unblocked there are
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The end of Process::serve(), for threads that poll and for those that wait in the driver.
 */
#pragma once

#include <ashmem/unique_fd.hpp>
#include <atomic>
#include <system_error>

namespace ashmem::binder {

/** A sign that is raised once, and seen by every thread that serves. */
class Stop {
public:
    /** For the threads of a device. Errors: EMFILE, ENFILE, ENOMEM. */
    Stop(int device, std::error_code& ec) noexcept;
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;
    ~Stop();

    /**
     * Raise it. A thread that polls finds fd() readable. One that waits in the driver
     * returns, because a descriptor of the device is closed. A thread that looked before
     * and waits after returns too: the driver remembers for each of its threads that it
     * must return. Async-signal-safe.
     */
    void raise() noexcept;
    [[nodiscard]] bool raised() const noexcept { return spare_ < 0; }
    /** Readable once it is raised. */
    [[nodiscard]] int fd() const noexcept { return event_.get(); }

private:
    unique_fd event_;
    std::atomic<int> spare_; ///< a descriptor of the device to be closed
};

} // namespace ashmem::binder

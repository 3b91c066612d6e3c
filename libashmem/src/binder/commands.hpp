// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is written to the driver.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>

namespace ashmem::binder {

class Device;

/** Commands for the driver, in the order in which they are written. Allocates nothing. */
class Commands {
public:
    explicit Commands(const Device& device) noexcept : device_(device) {}

    /** Write a command, which goes out with the next flush() or exchange(). */
    void write(std::uint32_t command) noexcept { append(&command, sizeof(command)); }
    template <class Body>
    void write(std::uint32_t command, const Body& body) noexcept {
        std::array<std::byte, sizeof(command) + sizeof(body)> whole;
        std::memcpy(whole.data(), &command, sizeof(command));
        std::memcpy(whole.data() + sizeof(command), &body, sizeof(body));
        append(whole.data(), whole.size());
    }

    /** Whether nothing waits to be sent. */
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /** Send what was written, and read nothing. */
    [[nodiscard]] std::error_code flush() noexcept;

    /**
     * Send what was written, and wait for something to read: one BINDER_WRITE_READ.
     *
     * @param got how many bytes were read, whatever the result
     * @return 0 or an errno; EAGAIN if there is nothing to read and a Device::Unblocked
     */
    int exchange(std::span<std::byte> into, std::size_t& got) noexcept;

private:
    void append(const void* from, std::size_t size) noexcept;

    const Device& device_;
    std::size_t size_ = 0;
    // more than what one read of the driver's commands has to be answered with
    std::array<std::byte, 2048> bytes_;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What is written to the driver.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <vector>

namespace ashmem::binder {

class Device;

/** Commands for the driver, in the order in which they are written. */
class Commands {
public:
    /** For a device that was opened so as not to block. */
    explicit Commands(const Device& device) noexcept : device_(device) {}

    /** Write a command, which goes out with the next flush() or exchange(). */
    void write(std::uint32_t command);
    template <class Body>
    void write(std::uint32_t command, const Body& body) {
        write(command);
        append(&body, sizeof(body));
    }

    /** Send what was written, and read nothing. */
    [[nodiscard]] std::error_code flush() noexcept;

    /**
     * Send what was written, and read what the driver has: one BINDER_WRITE_READ.
     *
     * @param got how many bytes were read, whatever the result
     * @return 0 or an errno, EAGAIN if there was nothing to read
     */
    int exchange(std::span<std::byte> into, std::size_t& got) noexcept;

private:
    void append(const void* from, std::size_t size);

    const Device& device_;
    std::vector<std::byte> bytes_;
};

} // namespace ashmem::binder

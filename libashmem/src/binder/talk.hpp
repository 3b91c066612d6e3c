// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What one thread says to the driver, and hears from it, a command at a time.
 */
#pragma once

#include <linux/android/binder.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace ashmem::binder {

class Talk {
public:
    /** What the driver said; the body is good until the next one is asked for. */
    struct Heard {
        std::uint32_t command = 0;
        std::span<const std::byte> body;
    };

    /** A device, opened so as not to block, and what becomes readable when to stop. */
    Talk(int device, int stop) noexcept : device_(device), stop_(stop) {}

    /** Say something, with the next hear() or flush(). */
    void say(std::uint32_t command);
    template <class Body>
    void say(std::uint32_t command, const Body& body) {
        say(command);
        append(&body, sizeof(body));
    }

    /** Say it now, and do not wait for an answer. */
    [[nodiscard]] std::error_code flush() noexcept;

    /**
     * Say what is to be said, and wait for the driver to say something.
     *
     * @param timeout milliseconds, -1 for ever
     * @param stoppable whether the other descriptor ends the wait as well
     * @return nothing if the wait ended, or with `ec` set
     */
    std::optional<Heard> hear(int timeout, bool stoppable, std::error_code& ec);

private:
    void append(const void* from, std::size_t size);
    int exchange(std::span<std::byte> into, std::size_t& got) noexcept;
    bool wait(int timeout, bool stoppable, std::error_code& ec) noexcept;

    int device_;
    int stop_;
    std::vector<std::byte> out_;
    std::vector<std::byte> in_;
    std::size_t at_ = 0;
};

/** A struct out of a command's body. */
template <class Body>
[[nodiscard]] Body body_as(std::span<const std::byte> bytes) noexcept {
    Body body{};
    std::memcpy(&body, bytes.data(), bytes.size() < sizeof(body) ? bytes.size() : sizeof(body));
    return body;
}

} // namespace ashmem::binder

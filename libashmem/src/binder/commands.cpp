// SPDX-License-Identifier: Apache-2.0
// Commands for the driver, and the one request that takes them and brings answers.
#include "commands.hpp"

#include <linux/android/binder.h>

#include <cerrno>

#include "../cxx/error.hpp"
#include "device.hpp"

namespace ashmem::binder {

void Commands::append(const void* from, std::size_t size) noexcept {
    if (size > bytes_.size() - size_) (void)flush();
    std::memcpy(bytes_.data() + size_, from, size);
    size_ += size;
}

std::error_code Commands::flush() noexcept {
    while (!empty()) {
        std::size_t none = 0;
        const int error = exchange({}, none);
        if (error != 0 && error != EINTR) return to_code(error);
    }
    return {};
}

int Commands::exchange(std::span<std::byte> into, std::size_t& got) noexcept {
    binder_write_read both{};
    both.write_size = size_;
    both.write_buffer = reinterpret_cast<std::uintptr_t>(bytes_.data());
    both.read_size = into.size();
    both.read_buffer = reinterpret_cast<std::uintptr_t>(into.data());
    const int error = device_.control(BINDER_WRITE_READ, &both);
    // Commands that the driver took are gone, even if it then failed. Commands that it
    // refused go too: they point at parcels that their caller is about to drop.
    const bool refused = error != 0 && error != EINTR && error != EAGAIN;
    const std::size_t taken = refused ? size_ : static_cast<std::size_t>(both.write_consumed);
    size_ -= taken;
    std::memmove(bytes_.data(), bytes_.data() + taken, size_);
    got = static_cast<std::size_t>(both.read_consumed);
    return error;
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// A SharedMutex whose bytes a peer writes at will, between any two calls: nothing beside
// them changes, and once the peer stops the lock can be had again.
#include <array>
#include <ashmem/shared_mutex.hpp>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "input.hpp"

using ashmem::SharedMutex;

namespace {

struct Memory {
    std::array<std::byte, 64> below;
    alignas(SharedMutex) std::array<std::byte, sizeof(SharedMutex)> lock;
    std::array<std::byte, 64> above;
};

constexpr std::byte untouched{0x5a};

bool is_untouched(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte one) { return one == untouched; });
}

/** One call, on whatever stands there; what is held ends or is kept, as the input says. */
void call(SharedMutex& mutex, SharedMutex::Lock& kept, std::uint8_t step) {
    std::error_code ec;
    const auto take = [&] {
        switch (step % 4) {
            case 0:
                return mutex.try_lock(ec);
            case 1:
                return mutex.try_lock_until(SharedMutex::Clock::now() - std::chrono::hours(1), ec);
            case 2:
                return mutex.try_lock_until(
                    SharedMutex::Clock::now() + std::chrono::microseconds(1), ec);
            default:
                return mutex.take_over();
        }
    };
    SharedMutex::Lock lock = take();
    if (ec && lock.owns_lock()) abort();
    if (step % 4 == 3 && !lock.owns_lock()) abort();
    if ((step & 4) != 0) lock.make_consistent();
    if ((step & 8) != 0) kept.unlock();
    if ((step & 16) != 0 && !kept.owns_lock()) new (&kept) SharedMutex::Lock(std::move(lock));
}

/** Whoever takes the lock over has it, is told of it, and leaves it free. */
void recover(SharedMutex& mutex) {
    auto lock = mutex.take_over();
    lock.make_consistent();
    lock.unlock();
    std::error_code ec;
    const auto again = mutex.lock(ec);
    if (ec || !again.owns_lock() || again.owner_died()) abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Memory memory;
    memory.below.fill(untouched);
    memory.above.fill(untouched);
    memory.lock.fill(std::byte{0});
    std::error_code ec;
    SharedMutex* const mutex = SharedMutex::create_in(memory.lock, ec);
    if (mutex == nullptr) abort();
    {
        SharedMutex::Lock kept;
        while (input.left() != 0) {
            const auto step = input.number<std::uint8_t>();
            if ((step & 32) != 0)
                memory.lock = input.number<std::array<std::byte, sizeof(SharedMutex)>>();
            (void)SharedMutex::attach_in(memory.lock, ec);
            call(*mutex, kept, step);
        }
    }
    recover(*mutex);
    if (!is_untouched(memory.below) || !is_untouched(memory.above)) abort();
    return 0;
}

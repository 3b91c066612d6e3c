// SPDX-License-Identifier: Apache-2.0
// Ways for bytes from a process to its child, or back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace bench::channels {

// What a way may hold that the receiver has not taken; the kernel may allow less.
inline constexpr std::size_t capacity = std::size_t{1} << 20;

using Word = std::uint64_t;

// Message contents: numbers in a row, and their sum.
void write_numbers(std::span<std::byte> bytes, Word first);
[[nodiscard]] Word sum_of(std::span<const std::byte> bytes);
[[nodiscard]] Word sum_of_numbers(std::size_t bytes, Word first);

// One direction. It is made before the fork; then one process sends and the other receives,
// messages of a size that both know.
class Way {
public:
    Way() = default;
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;
    virtual ~Way() = default;

    // From the sender's own memory into the receiver's own.
    virtual void send(std::span<const std::byte> bytes) = 0;
    virtual void receive(std::span<std::byte> bytes) = 0;

    // The same for bytes that the sender makes and the receiver adds up. Where both see the
    // memory, nothing is copied; `own` is for ways that must copy.
    virtual void make(std::span<std::byte> own, Word first) {
        write_numbers(own, first);
        send(own);
    }
    [[nodiscard]] virtual Word add_up(std::span<std::byte> own) {
        receive(own);
        return sum_of(own);
    }
};

struct Named {
    const char* subject;
    std::function<std::unique_ptr<Way>()> make;
};

std::vector<Named> shared_memories(); // channels_memory.cpp
std::vector<Named> of_the_kernel();   // channels_kernel.cpp

// What is sent, and how.
struct Transfer {
    std::size_t size;
    int messages;
    bool in_place; // made and added up, else copied out of one buffer and into another
    bool answered; // each message waits until the one before has arrived
};

// What can be asked of a subject, in nanoseconds: of a message, and of a round trip of a small
// one. The largest message is what it can send.
struct Subject {
    const char* name;
    std::function<double(const Transfer& transfer)> message;
    std::function<double(std::size_t size, int trips)> round_trip;
    std::size_t largest = std::numeric_limits<std::size_t>::max();
};

// The kernel's Binder, where it is loaded: channels_binder.cpp.
std::vector<Subject> binder();

} // namespace bench::channels

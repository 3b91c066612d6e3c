// SPDX-License-Identifier: Apache-2.0
// Maps of an actor, and reads and writes of memory that may not be there.
#pragma once

#include <array>
#include <cstdint>

#include "kfuzz/world.hpp"

namespace kfuzz {

struct Map {
    unsigned char* data = nullptr;
    std::size_t length = 0;
    std::uint64_t first = 0; // page of the region
    bool shared = false;
    Region* region = nullptr;
    unsigned mask = 0; // what the region may have allowed when it was mapped
};

inline constexpr std::size_t most_maps = 4;
using Maps = std::array<Map, most_maps>;

// 0 or -errno: EFAULT where an ordinary access would raise a signal.
long store(unsigned char* to, std::uint64_t bytes);
long load(const unsigned char* from, std::uint64_t& bytes);

// An address of the kernel's.
inline void* bad_pointer() {
    return reinterpret_cast<void*>(0xffff888000000000U);
}

} // namespace kfuzz

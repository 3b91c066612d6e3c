// SPDX-License-Identifier: Apache-2.0
// One place for all maps of a size, so that page tables are not made and freed with some.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "memory.hpp"

namespace costs {

inline constexpr std::size_t place_size = 16 * page;

// Makes all maps go to the same place: a hole of their size in a page table that stays.
// Elsewhere page tables might, or might not, be made and freed with each map.
inline void* place() {
    static void* const hole = [] {
        constexpr std::size_t table = std::size_t{2} << 20;
        static const test::Map area(-1, 2 * table, test::rw, MAP_PRIVATE | MAP_ANONYMOUS);
        must(madvise(area.address(), area.size(), MADV_NOHUGEPAGE), "madvise");
        const std::size_t first = -reinterpret_cast<std::uintptr_t>(area.address()) % table;
        area[first] = 1;
        void* middle = static_cast<char*>(area.address()) + first + table / 2;
        must(munmap(middle, place_size), "munmap");
        // holes that the kernel would take before are filled
        while (mmap(nullptr, place_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != middle) {
        }
        must(munmap(middle, place_size), "munmap");
        return middle;
    }();
    return hole;
}

} // namespace costs

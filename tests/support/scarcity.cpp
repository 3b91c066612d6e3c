// SPDX-License-Identifier: Apache-2.0
// Replaces the operators of the whole program, that of the libraries included.
#include "scarcity.hpp"

#include <cstdlib>
#include <new>

namespace {

constexpr int plenty = -1;
thread_local int allocations_left = plenty;

} // namespace

test::Scarcity::Scarcity(int allocations) {
    allocations_left = allocations;
}

test::Scarcity::~Scarcity() {
    allocations_left = plenty;
}

void* operator new(std::size_t size) {
    if (allocations_left == 0) throw std::bad_alloc();
    if (allocations_left > 0) --allocations_left;
    if (void* const memory = std::malloc(size != 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}

// A sanitizer has its own, whose memory is not for free().
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

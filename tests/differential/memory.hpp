// SPDX-License-Identifier: Apache-2.0
// Buffers for calls, and memory that may fault when it is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace differential {

// A hash of memory, to compare and print.
std::string contents(const unsigned char* bytes, std::size_t length);

// kind 0: memory for so many bytes. 1: none. 2: as many as half of them before an
// edge. 3: an address of the kernel's. 4: read-only memory.
void* buffer(std::int64_t kind, std::size_t length);

// Touches memory; returns the signal that this raised, or 0.
int guarded(const std::function<void()>& touch);
const char* signal_name(int signal);

} // namespace differential

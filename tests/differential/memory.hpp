// SPDX-License-Identifier: Apache-2.0
// Memory that calls are handed, and memory that may fault when it is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace differential {

// What memory holds, short enough to be compared and printed.
std::string contents(const unsigned char* bytes, std::size_t length);

// kind 0: memory for so many bytes. 1: none. 2: as many as half of them before an
// edge. 3: an address of the kernel's. 4: read-only memory.
void* buffer(std::int64_t kind, std::size_t length);

// Touches memory; answers the signal if that is what comes of it, else 0.
int guarded(const std::function<void()>& touch);
const char* signal_name(int signal);

} // namespace differential

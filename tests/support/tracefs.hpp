// SPDX-License-Identifier: Apache-2.0
// The kernel's trace: switches it on, clears it and reads it.
#pragma once

#include <string>
#include <vector>

namespace test::tracefs {

// Writes to a file of tracefs. Throws if the kernel has no such file.
void set(const std::string& file, const std::string& text);

// Switches events on or off: those of a system, or one as SYSTEM/EVENT. Throws if the kernel
// has no such events.
void record(const std::string& events, bool on);

// Drops what was recorded so far, and records from now on.
void restart();

// What was recorded, line by line, without the heading.
[[nodiscard]] std::vector<std::string> lines();

} // namespace test::tracefs

// SPDX-License-Identifier: Apache-2.0
// Runs a program. Its processes take turns, so that every run is the same.
#pragma once

#include <map>
#include <string>

#include "step.hpp"

namespace differential {

struct Transcript {
    std::string text; // a line a step
    std::size_t avoided = 0;
};

// Counts of calls and outcomes, over many programs.
using Census = std::map<std::string, std::size_t>;

// avoid: leave out what is known to differ
Transcript run(const Program& program, bool avoid, Census* census = nullptr);

} // namespace differential

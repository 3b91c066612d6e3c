// SPDX-License-Identifier: Apache-2.0
// Runs a program: its processes take turns, so that every run goes the same way.
#pragma once

#include <map>
#include <string>

#include "step.hpp"

namespace differential {

struct Transcript {
    std::string text; // a line a step
    std::size_t avoided = 0;
};

// Calls and what came of them, over many programs.
using Census = std::map<std::string, std::size_t>;

// avoid: leave out what is known to differ
Transcript run(const Program& program, bool avoid, Census* census = nullptr);

} // namespace differential

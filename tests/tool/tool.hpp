// SPDX-License-Identifier: Apache-2.0
// Runs the command `ashmem`, and takes what it prints.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace test {

struct Answer {
    int status = -1; // the exit code, or 128 plus a signal
    std::string text;
    std::string errors;
    [[nodiscard]] bool names(const std::string& cause) const {
        return (text + errors).find(cause) != std::string::npos;
    }
};

// The program's path: beside this program in a build, in /bin in a guest.
std::string tool_path();

// Runs the tool. What is prepared happens in the process that becomes it, so it may change
// its user or its mounts.
Answer run_tool(
    const std::vector<std::string>& arguments, const std::function<void()>& prepare = [] {});

} // namespace test

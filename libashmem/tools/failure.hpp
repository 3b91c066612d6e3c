// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The end of a command that failed.
 */
#pragma once

#include <stdexcept>
#include <string>

namespace tool {

inline constexpr int usage_error = 2;

/** Ends the program with a message and an exit code. */
struct Failure : std::runtime_error {
    explicit Failure(const std::string& message, int code = 1)
        : std::runtime_error(message), exit_code(code) {}
    int exit_code;
};

} // namespace tool

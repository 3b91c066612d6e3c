// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The program that a command turns into.
 */
#pragma once

#include <string>
#include <vector>

namespace tool {

/** Becomes the program that the first word names. If that fails, throws a Failure with the
 * exit code that shells use. */
[[noreturn]] void become(std::vector<std::string> words);

} // namespace tool

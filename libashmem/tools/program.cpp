// SPDX-License-Identifier: Apache-2.0
// Executes a program in place of this one.
#include "program.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.hpp"

namespace tool {

void become(std::vector<std::string> words) {
    constexpr int not_found = 127;
    constexpr int not_executable = 126;
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    const int error = errno;
    throw Failure("cannot run " + words[0] + ": " + std::strerror(error),
                  error == ENOENT ? not_found : not_executable);
}

} // namespace tool

// SPDX-License-Identifier: Apache-2.0
// Prints the steps and facts of the demo.
#include "story.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace demo {

void Story::ok(const char* format, ...) {
    std::printf("[ok] %-8s ", who_);
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): false, and only after other files
    std::vprintf(format, arguments);
    va_end(arguments);
    std::putchar('\n');
    std::fflush(stdout);
}

void Story::show(const std::string& text) const {
    std::printf("%14s%s\n", "", text.c_str());
    std::fflush(stdout);
}

void Story::failed(const std::string& step, const std::string& expected, const std::string& seen) {
    ++failures_;
    std::printf("[FAILED] %s: %s: expected %s, seen %s\n", who_, step.c_str(), expected.c_str(),
                seen.c_str());
    std::fflush(stdout);
}

bool Story::expect(const std::string& step, const std::string& expected, const std::string& seen) {
    const bool holds = expected == seen;
    if (holds) {
        ok("%s: %s", step.c_str(), seen.c_str());
    } else {
        failed(step, expected, seen);
    }
    return holds;
}

bool Story::expect_refusal(const std::string& step, int expected, bool succeeded, int error) {
    return expect(step, error_name(expected), succeeded ? "success" : error_name(error));
}

void Story::fact(const char* key, const std::string& value) {
    std::printf("=%s %s\n", key, value.c_str());
    std::fflush(stdout);
}

std::string commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3)
        text.insert(at - 3, 1, ',');
    return text;
}

std::string error_name(int error) {
    switch (error) {
        case EACCES:
            return "refused with EACCES";
        case EIO:
            return "refused with EIO";
        case EPERM:
            return "refused with EPERM";
        default:
            return std::strerror(error);
    }
}

} // namespace demo

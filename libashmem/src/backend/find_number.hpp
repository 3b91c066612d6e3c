// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A number in a text of lines that begin with what it is.
 */
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace ashmem {
namespace lines {

inline const char* next_line(const char* line) noexcept {
    const char* end = std::strchr(line, '\n');
    return end != nullptr ? end + 1 : nullptr;
}

inline bool read_number(const char* text, std::uint64_t& value) noexcept {
    text += std::strspn(text, " \t");
    if (*text < '0' || *text > '9') return false;
    char* end = nullptr;
    errno = 0;
    value = std::strtoull(text, &end, 10);
    return errno == 0 && *end == '\n';
}

} // namespace lines

/**
 * Find the line that starts with `key` and read its number.
 *
 * @return false if there is no such line, no number in it, or more than one
 *         such line: a region's name may hold a line break and so forge one
 */
[[nodiscard]] inline bool find_number(const char* text, const char* key,
                                      std::uint64_t& value) noexcept {
    const std::size_t key_length = std::strlen(key);
    int found = 0;
    bool valid = false;
    for (const char* line = text; line != nullptr; line = lines::next_line(line)) {
        if (std::strncmp(line, key, key_length) != 0) continue;
        ++found;
        valid = lines::read_number(line + key_length, value);
    }
    return found == 1 && valid;
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// Sends files to the host as records in base64, which every host can decode.
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "guest.hpp"

namespace vm {
namespace {

constexpr size_t bytes_a_line = 768; // a multiple of three: a piece ends with a whole group

std::string base64(std::string_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        uint32_t number = 0;
        for (size_t i = 0; i < 3; ++i)
            number = number << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? digits[number >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

} // namespace

bool record_file(const Channel& channel, const std::string& number, const std::string& path) {
    if (::access(path.c_str(), R_OK) != 0) return false;
    const std::string bytes = read_file(path.c_str());
    for (size_t at = 0; at < bytes.size(); at += bytes_a_line)
        channel.record("file " + number + " " +
                       base64(std::string_view(bytes).substr(at, bytes_a_line)));
    return true;
}

} // namespace vm

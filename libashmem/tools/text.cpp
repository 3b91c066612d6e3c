// SPDX-License-Identifier: Apache-2.0
// Takes texts apart, and writes them for people.
#include "text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace tool {

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end) return {};
    return number;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::string_view rest = text; !rest.empty();)
        lines.emplace_back(next_line(rest));
    return lines;
}

std::vector<std::string> words_of(std::string_view text) {
    static constexpr char blank[] = " \t\n\v\f\r";
    std::vector<std::string> words;
    for (std::size_t at = text.find_first_not_of(blank); at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(blank, at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = text.find_first_not_of(blank, end);
    }
    return words;
}

std::string unescaped(std::string_view text, std::string_view bytes) {
    constexpr std::size_t length = sizeof("\\012") - 1;
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view escape = text.substr(at, length);
        unsigned code = 0;
        if (escape.size() == length && escape.front() == '\\' &&
            std::from_chars(escape.data() + 1, escape.data() + length, code, 8).ptr ==
                escape.data() + length &&
            bytes.find(static_cast<char>(code)) != std::string_view::npos) {
            plain += static_cast<char>(code);
            at += length;
        } else {
            plain += text[at++];
        }
    }
    return plain;
}

std::string human(std::uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes);
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    static const std::string units = "BKMGTPE"; // 64 bits end at 16E
    while (value >= 1024) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
    return text.data();
}

std::string printable(const std::string& text) {
    std::string safe;
    for (const char byte : text) {
        const auto code = static_cast<unsigned char>(byte);
        if (code >= 0x20 && code != 0x7f && (code < 0x80 || code >= 0xa0)) {
            safe += byte;
            continue;
        }
        std::array<char, 8> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\x%02x", code);
        safe += escaped.data();
    }
    return safe;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
        }
        text += '\n';
    }
    return text;
}

} // namespace tool

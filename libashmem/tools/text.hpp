// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Texts: taken apart, and put together for people.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/** A decimal number and nothing else. */
[[nodiscard]] std::optional<std::uint64_t> to_number(std::string_view text);

/** Takes the first line away from a text, which is not empty, and returns it. */
std::string_view next_line(std::string_view& text);

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/** Undoes the octal escapes that /proc writes for these bytes. */
[[nodiscard]] std::string unescaped(std::string_view text, std::string_view bytes);

/** Bytes for people: 4.0K, 16M. */
[[nodiscard]] std::string human(std::uint64_t bytes);

/** A text that may hold anything, without what a terminal would obey. */
[[nodiscard]] std::string printable(const std::string& text);

/** Columns as wide as their widest cell; the last one is not filled up. */
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

} // namespace tool

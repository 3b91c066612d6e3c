// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What gzip has compressed.
 */
#pragma once

#include <optional>
#include <string>

namespace tool {

/** The text of a .gz file; nothing if it is none, or is too large for a kernel's options. */
[[nodiscard]] std::optional<std::string> gunzip(std::string compressed);

} // namespace tool

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a descriptor's fdinfo tells of a region.
 */
#pragma once

#include <optional>
#include <string_view>

#include "regions.hpp"

namespace tool {

/** The region, without holders; nothing if the text is of something else. */
[[nodiscard]] std::optional<Region> parse_fdinfo(std::string_view text);

} // namespace tool

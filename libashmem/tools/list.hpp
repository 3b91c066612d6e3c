// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The table of regions.
 */
#pragma once

#include <string>

#include "regions.hpp"

namespace tool {

/** Regions as `list` and `top` print them. */
[[nodiscard]] std::string table_of(const std::vector<Region>& regions);

} // namespace tool

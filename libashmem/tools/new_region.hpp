// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A region of our own, for commands that need one.
 */
#pragma once

#include <ashmem/region.hpp>
#include <string>

namespace tool {

/** Makes a region of the driver's. The library would take a memfd where there is no driver. */
[[nodiscard]] ashmem::Region new_region(const std::string& name, std::size_t size);

} // namespace tool

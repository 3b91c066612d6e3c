// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Maps of regions, as /proc/PID/maps shows them.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

/** A map of a region. */
struct MapOfRegion {
    std::string range; ///< its addresses, as map_files names it
    std::uint64_t inode = 0;
    std::string name;
    bool shared = false;
};

/** What the path of every region's map begins with. */
inline constexpr std::string_view map_prefix = "/dev/ashmem";

/** The map that a line of maps or smaps tells of; nothing if it is of something else. */
[[nodiscard]] std::optional<MapOfRegion> parse_maps_line(std::string_view line);

} // namespace tool

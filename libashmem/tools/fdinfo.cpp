// SPDX-License-Identifier: Apache-2.0
// Reads the lines "key:<tab>value" that the driver adds to fdinfo.
#include "fdinfo.hpp"

#include "text.hpp"

namespace tool {

std::optional<Region> parse_fdinfo(std::string_view text) {
    Region region;
    region.name = default_name;
    while (!text.empty()) {
        const std::string_view line = next_line(text);
        const std::size_t colon = line.find(":\t");
        if (colon == std::string_view::npos) continue;
        const std::string_view key = line.substr(0, colon);
        const std::string_view value = line.substr(colon + 2);
        const auto number = to_number(value);
        if (key == "name") region.name = unescaped(value, "\n\\");
        if (!number) continue;
        if (key == "inode") region.inode = *number;
        if (key == "size") region.size = number;
        if (key == "unpinned") region.unpinned = number;
        if (key == "purged") region.purged = number;
        if (key == "prot_mask") region.mask = static_cast<unsigned>(*number);
    }
    if (!region.size || !region.mask) return {};
    return region;
}

} // namespace tool

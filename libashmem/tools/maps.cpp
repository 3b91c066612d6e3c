// SPDX-License-Identifier: Apache-2.0
// Tells maps of regions from all others.
#include "maps.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <ashmem/unique_fd.hpp>
#include <cstdio>

#include "regions.hpp"
#include "text.hpp"

namespace tool {
namespace {

/** The device that maps shows for backing files, which lie on the same mount as memfds; ""
 * if there are none. */
std::string backing_device() {
    struct stat status {};
    const ashmem::unique_fd file(::memfd_create("ashmem", MFD_CLOEXEC));
    if (!file.ok() || ::fstat(file.get(), &status) != 0) return "";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%02x:%02x", major(status.st_dev),
                  minor(status.st_dev));
    return text.data();
}

} // namespace

std::optional<MapOfRegion> parse_maps_line(std::string_view line) {
    // ADDRESSES RIGHTS OFFSET DEVICE INODE /dev/ashmem/NAME (deleted)
    const std::size_t slash = line.find('/');
    if (slash == std::string_view::npos) return {};
    std::string_view path = line.substr(slash);
    // A backing file has no link; a file of that name on a disk has.
    constexpr std::string_view deleted = " (deleted)";
    if (!path.starts_with(map_prefix) || !path.ends_with(deleted)) return {};
    path.remove_prefix(map_prefix.size());
    path.remove_suffix(deleted.size());
    if (!path.empty() && path.front() != '/') return {};

    const auto words = words_of(line.substr(0, slash));
    if (words.size() != 5 || words[1].size() != 4) return {};
    // Users may make such a file in a mount namespace of their own, on another device.
    static const std::string device = backing_device();
    if (!device.empty() && words[3] != device) return {};

    MapOfRegion found;
    found.range = words[0];
    found.shared = words[1][3] == 's';
    found.inode = to_number(words[4]).value_or(0);
    found.name = path.empty() ? default_name : unescaped(path.substr(1), "\n");
    return found;
}

} // namespace tool

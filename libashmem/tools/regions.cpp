// SPDX-License-Identifier: Apache-2.0
// Finds regions: by the descriptors of every process, and by its maps, since a region
// lives on in a map after the last descriptor is closed.
//
// A descriptor's link is read before its fdinfo, unless a region is expected: few of a
// machine's descriptors are regions, and fdinfo costs more. What this user may not read is
// left out.
#include "regions.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "failure.hpp"
#include "fdinfo.hpp"
#include "files.hpp"
#include "maps.hpp"
#include "text.hpp"
#include "unmapped.hpp"

namespace tool {
namespace {

std::string command_of(pid_t pid) {
    auto command = read_file("/proc/" + std::to_string(pid) + "/comm").value_or("?");
    if (command.ends_with('\n')) command.pop_back();
    return command;
}

/** Regions as they are found. */
class Finder {
public:
    void read_process(pid_t pid);
    [[nodiscard]] std::vector<Region> take();

private:
    /** Whether it is a region; its link is not asked first if that is expected. */
    bool read_descriptor(pid_t pid, int fd, bool expected, const Folder& links,
                         const Folder& infos);
    void read_maps(pid_t pid);
    void read_backing(Region& region, const Folder& files, const MapOfRegion& line);
    void read_resident_parts(pid_t pid);

    std::map<std::uint64_t, Region> mapped_;
    UnmappedRegions unmapped_;
    std::set<std::uint64_t> measured_; // whose backing file could be looked at
};

void Finder::read_process(pid_t pid) {
    const std::string process = "/proc/" + std::to_string(pid);
    Folder links(process + "/fd");
    const Folder infos(process + "/fdinfo");
    // A process that has one region often has many.
    bool expected = false;
    if (infos.ok())
        for (const int fd : links.numbers())
            expected = read_descriptor(pid, fd, expected, links, infos);
    read_maps(pid);
}

bool Finder::read_descriptor(pid_t pid, int fd, bool expected, const Folder& links,
                             const Folder& infos) {
    const std::string name = std::to_string(fd);
    if (!expected && read_link(name, links.fd()).find("ashmem") == std::string::npos) return false;
    const auto text = read_short_file(name, infos.fd());
    auto region = text ? parse_fdinfo(*text) : std::nullopt;
    if (!region) return false;

    if (region->inode == 0) {
        unmapped_.add(*region, pid, fd);
        return true;
    }
    Region& known = mapped_[region->inode];
    region->holders = std::move(known.holders);
    region->resident = known.resident;
    known = std::move(*region);
    known.holder(pid).fds.push_back(fd);
    return true;
}

/** The backing file, through a map of it: root may. What it holds is in memory or in swap. */
void Finder::read_backing(Region& region, const Folder& files, const MapOfRegion& line) {
    struct stat status {};
    if (!files.ok() || ::fstatat(files.fd(), line.range.c_str(), &status, 0) != 0 ||
        status.st_ino != line.inode)
        return;
    region.resident = static_cast<std::uint64_t>(status.st_blocks) * 512;
    if (!region.size) region.size = static_cast<std::uint64_t>(status.st_size);
    measured_.insert(line.inode);
}

void Finder::read_maps(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/maps");
    if (!text || text->find(map_prefix) == std::string::npos) return;
    const Folder files("/proc/" + std::to_string(pid) + "/map_files");
    bool missed = false;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto found = parse_maps_line(next_line(rest));
        if (!found || found->inode == 0) continue;
        Region& region = mapped_[found->inode];
        region.inode = found->inode;
        if (region.name.empty()) region.name = found->name;
        region.holder(pid).maps = true;
        if (!measured_.contains(found->inode)) read_backing(region, files, *found);
        missed |= !measured_.contains(found->inode);
    }
    if (missed) read_resident_parts(pid);
}

/** For other users: the most that one process has in its page tables. */
void Finder::read_resident_parts(pid_t pid) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/smaps").value_or("");
    std::map<std::uint64_t, std::uint64_t> sums;
    std::optional<MapOfRegion> current;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = next_line(rest);
        if (line.starts_with("Rss:")) {
            if (current && current->shared)
                sums[current->inode] += to_number(words_of(line).at(1)).value_or(0) * 1024;
            current.reset();
        } else if (auto found = parse_maps_line(line)) {
            current = std::move(found);
        } else if (line.find('-') < line.find(' ') && line.find(':') > line.find(' ')) {
            current.reset(); // another map begins
        }
    }
    for (const auto& [inode, bytes] : sums) {
        const auto region = mapped_.find(inode);
        if (region == mapped_.end() || measured_.contains(inode)) continue;
        region->second.resident = std::max(region->second.resident.value_or(0), bytes);
    }
}

std::vector<Region> Finder::take() {
    std::vector<Region> all;
    for (auto& [inode, region] : mapped_)
        all.push_back(std::move(region));
    for (auto& region : unmapped_.take())
        all.push_back(std::move(region));
    std::map<pid_t, std::string> commands;
    for (auto& region : all) {
        for (auto& holder : region.holders) {
            const auto [known, added] = commands.try_emplace(holder.pid);
            if (added) known->second = command_of(holder.pid);
            holder.command = known->second;
        }
    }
    return all;
}

} // namespace

Holder& Region::holder(pid_t pid) {
    if (holders.empty() || holders.back().pid != pid) holders.emplace_back().pid = pid;
    return holders.back();
}

std::vector<Region> find_regions() {
    Finder finder;
    for (const int pid : Folder("/proc").numbers())
        finder.read_process(pid);
    return finder.take();
}

Region find_region(pid_t pid, int fd) {
    const std::string process = "/proc/" + std::to_string(pid);
    if (!Folder(process + "/fd").ok())
        throw Failure(errno == ENOENT ? "there is no process " + std::to_string(pid)
                                      : "cannot look at the descriptors of process " +
                                            std::to_string(pid) + ": " + std::strerror(errno));
    for (auto& region : find_regions()) {
        for (const auto& holder : region.holders) {
            if (holder.pid == pid && std::ranges::find(holder.fds, fd) != holder.fds.end())
                return std::move(region);
        }
    }
    const std::string target = read_link(process + "/fd/" + std::to_string(fd));
    const std::string place = std::to_string(pid) + ":" + std::to_string(fd);
    if (target.empty()) throw Failure(place + " is not open");
    throw Failure(place + " is no region but " + printable(target));
}

} // namespace tool

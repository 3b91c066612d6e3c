// SPDX-License-Identifier: Apache-2.0
// Prints regions, for people and as JSON.
#include "list.hpp"

#include <climits>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "text.hpp"

namespace tool {
namespace {

using json = nlohmann::ordered_json;

template <typename Number>
json or_null(const std::optional<Number>& number) {
    return number ? json(*number) : json(nullptr);
}

std::string or_unknown(const std::optional<std::uint64_t>& bytes) {
    return bytes ? human(*bytes) : "?";
}

std::string rights(const std::optional<unsigned>& mask) {
    if (!mask) return "?";
    std::string text = "---";
    for (std::size_t bit = 0; bit < text.size(); ++bit)
        if (*mask & 1U << bit) text[bit] = "rwx"[bit];
    return text;
}

json to_json(const Holder& holder) {
    json row;
    row["pid"] = holder.pid;
    row["command"] = holder.command;
    row["fds"] = holder.fds;
    row["maps"] = holder.maps;
    return row;
}

json to_json(const Region& region) {
    json row;
    row["inode"] = region.inode ? json(region.inode) : json(nullptr);
    row["name"] = region.name;
    row["size"] = or_null(region.size);
    row["resident"] = or_null(region.resident);
    row["unpinned"] = or_null(region.unpinned);
    row["purged"] = or_null(region.purged);
    row["mask"] = or_null(region.mask);
    for (const Holder& holder : region.holders)
        row["holders"].push_back(to_json(holder));
    return row;
}

/** Names may be any bytes; JSON is UTF-8. */
std::string text_of(const json& value, int indent = -1) {
    return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string describe(const Holder& holder) {
    std::string text = std::to_string(holder.pid) + " " + printable(holder.command);
    for (const int fd : holder.fds)
        text += " fd " + std::to_string(fd);
    return holder.maps ? text + " mapped" : text;
}

} // namespace

std::string table_of(const std::vector<Region>& regions) {
    std::vector<std::vector<std::string>> rows = {
        {"PID", "SIZE", "RESIDENT", "UNPINNED", "PURGED", "MASK", "HOLDERS", "NAME"}};
    for (const Region& region : regions) {
        rows.push_back({std::to_string(region.holders.front().pid), or_unknown(region.size),
                        or_unknown(region.resident), or_unknown(region.unpinned),
                        or_unknown(region.purged), rights(region.mask),
                        std::to_string(region.holders.size()), printable(region.name)});
    }
    return table(rows);
}

void list(bool json_wanted) {
    const auto regions = find_regions();
    if (!json_wanted) {
        std::cout << table_of(regions);
        return;
    }
    // a region a line; all in one tree would take several times the memory
    const char* separator = "[\n";
    for (const Region& region : regions) {
        std::cout << separator << text_of(to_json(region));
        separator = ",\n";
    }
    std::cout << (regions.empty() ? "[]\n" : "\n]\n");
}

void show(const std::string& place, bool json_wanted) {
    const std::size_t colon = place.find(':');
    const auto pid = to_number(place.substr(0, colon));
    const auto fd = colon == std::string::npos ? std::nullopt : to_number(place.substr(colon + 1));
    if (!pid || !fd || *pid > INT_MAX || *fd > INT_MAX)
        throw Failure("'" + place + "' is no PID:FD, such as 1234:5", usage_error);

    const Region region = find_region(static_cast<pid_t>(*pid), static_cast<int>(*fd));
    if (json_wanted) {
        std::cout << text_of(to_json(region), 2) << '\n';
        return;
    }
    std::vector<std::vector<std::string>> rows = {
        {"name", printable(region.name)},
        {"inode", region.inode ? std::to_string(region.inode) : "none before the first map"},
        {"size", or_unknown(region.size)},
        {"resident", or_unknown(region.resident)},
        {"unpinned", or_unknown(region.unpinned)},
        {"purged", or_unknown(region.purged)},
        {"mask", rights(region.mask)}};
    for (const Holder& holder : region.holders)
        rows.push_back({"holder", describe(holder)});
    std::cout << table(rows);
}

} // namespace tool

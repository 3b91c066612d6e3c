// SPDX-License-Identifier: Apache-2.0
// Runs `ashmem list --json` and looks at its rows.
#include "tool/listed.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tool/tool.hpp"

namespace test {

using nlohmann::json;

json list(const std::function<void()>& prepare) {
    const Answer answer = run_tool({"list", "--json"}, prepare);
    INFO(answer.errors);
    REQUIRE(answer.status == 0);
    return json::parse(answer.text);
}

std::vector<json> named(const json& all, const std::string& name) {
    std::vector<json> found;
    for (const json& region : all)
        if (region.at("name") == name) found.push_back(region);
    return found;
}

json only(const json& all, const std::string& name) {
    const auto found = named(all, name);
    INFO(all.dump(1));
    REQUIRE(found.size() == 1);
    return found.front();
}

std::string place(pid_t pid, int fd) {
    return std::to_string(pid) + ":" + std::to_string(fd);
}

std::set<std::string> descriptors_of(const json& region) {
    std::set<std::string> all;
    for (const json& holder : region.at("holders"))
        for (const json& fd : holder.at("fds"))
            all.insert(place(holder.at("pid").get<int>(), fd.get<int>()));
    return all;
}

Region make(const std::string& name, std::size_t pages) {
    Region region;
    REQUIRE(region.set_name(name.c_str()) == 0);
    REQUIRE(region.set_size(pages * page_size()) == 0);
    return region;
}

Child holder() {
    return Child([] {
        pause();
        return 0;
    });
}

} // namespace test

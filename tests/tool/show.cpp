// SPDX-License-Identifier: Apache-2.0
// `ashmem show`: one region, found by any of its descriptors.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "support/process.hpp"
#include "support/region.hpp"
#include "tool/listed.hpp"
#include "tool/tool.hpp"

using namespace test;
using nlohmann::json;

TEST_CASE("show tells of one region, and refuses what is none", "[tool]") {
    const Region region = make("shown", 3);
    const Map map = region.map_pages(3);
    const Answer shown = run_tool({"show", place(getpid(), region.fd())});
    CHECK(shown.status == 0);
    CHECK(shown.names("shown"));
    CHECK(shown.names("fd " + std::to_string(region.fd()) + " mapped"));

    const Answer none = run_tool({"show", place(getpid(), 0)});
    CHECK(none.status == 1);
    CHECK(none.names(place(getpid(), 0) + " is no region but "));
    CHECK(run_tool({"show", place(getpid(), 999)}).names("is not open"));
    CHECK(run_tool({"show", "999999999:1"}).names("there is no process 999999999"));
    CHECK(run_tool({"show", place(getpid(), region.fd())}, become_nobody)
              .names("cannot look at the descriptors of process " + std::to_string(getpid())));
}

TEST_CASE("show finds a region by any of its holders, and tells all of them", "[tool]") {
    const Region region = make("held", 2);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    const Child other = holder();
    const std::string fd = " fd " + std::to_string(region.fd());
    for (const pid_t pid : {getpid(), other.pid()}) {
        const Answer shown = run_tool({"show", place(pid, region.fd())});
        CHECK(shown.names("none before the first map"));
        CHECK(shown.names("r--"));
        for (const pid_t each : {getpid(), other.pid()})
            CHECK(shown.names(std::to_string(each) + " "));
        CHECK(shown.names(fd + "\n"));
        CHECK_FALSE(shown.names("mapped\n"));

        const Answer answer = run_tool({"show", "--json", place(pid, region.fd())});
        REQUIRE(answer.status == 0);
        const json row = json::parse(answer.text);
        CHECK(row == only(list(), "held"));
        CHECK(row.at("mask") == PROT_READ);
        CHECK(row.at("inode").is_null());
    }
}

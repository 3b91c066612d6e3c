// SPDX-License-Identifier: Apache-2.0
// The driver's tracepoints: what tracefs shows of a region's life.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/tracefs.hpp"

using namespace test;

namespace {

// Records the driver's events while it lives.
class Trace {
public:
    Trace() {
        tracefs::record("ashmem", true);
        tracefs::restart();
    }
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    ~Trace() { write_file("/sys/kernel/tracing/events/ashmem/enable", "0"); }

    // from the name on, without the region's value, which differs each time
    [[nodiscard]] static std::vector<std::string> events() {
        std::vector<std::string> all;
        for (std::string line : tracefs::lines()) {
            const auto name = line.find(": ashmem_");
            if (name == std::string::npos) continue;
            line = line.substr(name + 2);
            const auto region = line.find(" region=");
            line.erase(region, std::min(line.find(' ', region + 1), line.size()) - region);
            all.push_back(line);
        }
        return all;
    }
};

// the value behind a key, up to the next blank
std::string value(const std::string& event, const std::string& key) {
    const auto at = event.find(' ' + key + '=');
    if (at == std::string::npos) return "";
    const auto begin = at + key.size() + 2;
    return event.substr(begin, event.find(' ', begin) - begin);
}

} // namespace

TEST_CASE("tracepoints tell the life of a region", "[device][trace]") {
    const std::string page = std::to_string(page_size()), four = std::to_string(4 * page_size());
    const Trace trace;
    std::string inode;
    {
        Region region;
        REQUIRE(region.set_name("film") == 0);
        REQUIRE(region.set_size(4 * page_size()) == 0);
        const Map map = region.map_pages(4);
        inode = std::to_string(region.fdinfo_number("inode"));
        map.fill(1);
        REQUIRE(region.unpin_pages(1, 2) == 0);
        REQUIRE(region.purge_all() == 2);
        REQUIRE(region.pin_pages(1) == ASHMEM_WAS_PURGED);
        REQUIRE(region.pin(1, 0) == -EINVAL);
    }
    std::vector<std::string> events = Trace::events();
    INFO("events:" << [&] {
        std::string text;
        for (const auto& event : events)
            text += "\n" + event;
        return text;
    }());
    REQUIRE(events.size() == 9);
    CHECK(events[0] == "ashmem_create:");
    CHECK(events[1] == "ashmem_size: size=" + four);
    CHECK(events[2] == "ashmem_map: ino=" + inode + " len=" + four + " prot=3 shared name=film");
    CHECK(events[3] ==
          "ashmem_unpin: offset=" + page + " len=" + std::to_string(2 * page_size()) + " ret=0");
    CHECK(events[4] == "ashmem_purge_begin: ino=" + inode + " first=1 last=2 pages=2");
    CHECK(events[5].starts_with("ashmem_purge_end: ino=" + inode + " pages=2 ns="));
    CHECK(std::stoull(value(events[5], "ns")) > 0);
    CHECK(events[6] == "ashmem_pin: offset=" + page + " len=" + page + " ret=1");
    CHECK(events[7] == "ashmem_pin: offset=1 len=0 ret=-22");
    CHECK(events[8] == "ashmem_release: ino=" + inode);
}

TEST_CASE("a newline in a name can't forge a line of the trace", "[device][trace]") {
    const Trace trace;
    {
        const Region region = Region::of_pages(1);
        REQUIRE(region.set_name("film\n x-1 [000] ..... 1.0: ashmem_release: region=1 ino=1") == 0);
        (void)region.map_pages(1);
    }
    const auto events = Trace::events();
    REQUIRE(events.size() == 4); // create, size, map, release
    CHECK(events[2].ends_with(" name=film? x-1 [000] ..... 1.0: ashmem_release: region=1 ino=1"));
}

TEST_CASE("a region has one value in the trace from create to release", "[device][trace]") {
    const Trace trace;
    {
        const Region one = Region::of_pages(1), other = Region::of_pages(1);
        (void)one.map_pages(1);
        (void)other.map_pages(1);
    }
    std::map<std::string, int> seen;
    for (const std::string& line : tracefs::lines())
        if (const auto region = value(line, "region"); !region.empty()) ++seen[region];
    REQUIRE(seen.size() == 2);
    for (const auto& [region, events] : seen)
        CHECK(events == 4); // create, size, map, release
}

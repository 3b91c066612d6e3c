// SPDX-License-Identifier: Apache-2.0
// `ashmem list` beside what /proc tells: of the driver's regions, in guests.
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ashmem/unique_fd.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "tool/listed.hpp"
#include "tool/tool.hpp"

using namespace test;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The lines of a descriptor's fdinfo.
std::map<std::string, std::string> fdinfo_of(const fs::path& process, const std::string& fd) {
    std::map<std::string, std::string> lines;
    std::ifstream file(process / "fdinfo" / fd);
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(":\t");
        if (colon != std::string::npos) lines[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return lines;
}

// "pid:fd" and the numbers of fdinfo, of each descriptor of the driver that /proc has.
std::map<std::string, std::string> read_proc() {
    std::map<std::string, std::string> all;
    for (const auto& process : fs::directory_iterator("/proc")) {
        const std::string pid = process.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code error;
        for (const auto& link : fs::directory_iterator(process.path() / "fd", error)) {
            if (fs::read_symlink(link.path(), error) != "/dev/ashmem") continue;
            const std::string fd = link.path().filename();
            auto info = fdinfo_of(process.path(), fd);
            all[place(std::stoi(pid), std::stoi(fd))] = info["inode"] + " " + info["size"] + " " +
                                                        info["unpinned"] + " " + info["purged"] +
                                                        " " + info["prot_mask"];
        }
    }
    return all;
}

std::string text_of(const json& number) {
    return number.is_null() ? "" : std::to_string(number.get<std::uint64_t>());
}

// The same from what the tool printed.
std::map<std::string, std::string> by_descriptor(const json& regions) {
    std::map<std::string, std::string> all;
    for (const json& region : regions)
        for (const std::string& descriptor : descriptors_of(region))
            all[descriptor] = text_of(region.at("inode")) + " " + text_of(region.at("size")) + " " +
                              text_of(region.at("unpinned")) + " " + text_of(region.at("purged")) +
                              " " + text_of(region.at("mask"));
    return all;
}

// By which a child tells that it is prepared.
class Ready {
public:
    Ready() { REQUIRE(pipe(ends_) == 0); }
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;
    ~Ready() {
        for (const int end : ends_)
            if (end >= 0) close(end);
    }
    // in the child
    void tell() const {
        if (write(ends_[1], "", 1) != 1) _exit(1);
    }
    // a child that died tells nothing
    void wait() {
        close(std::exchange(ends_[1], -1));
        char byte = 0;
        REQUIRE(read(ends_[0], &byte, 1) == 1);
    }

private:
    int ends_[2] = {};
};

} // namespace

TEST_CASE("list shows a region once, with all its holders", "[tool]") {
    const Region mapped = make("mapped", 3);
    const Map map = mapped.map_pages(3);
    const Region fresh = make("fresh", 2);
    Child one = holder();
    Child two = holder();

    const json all = list();
    for (const Region* region : {&mapped, &fresh}) {
        const json row = only(all, region == &mapped ? "mapped" : "fresh");
        CHECK(row.at("holders").size() == 3);
        CHECK(descriptors_of(row) == std::set<std::string>{place(getpid(), region->fd()),
                                                           place(one.pid(), region->fd()),
                                                           place(two.pid(), region->fd())});
        CHECK(row.at("size") == region->size());
    }
    CHECK(only(all, "mapped").at("inode") == mapped.fdinfo_number("inode"));
    CHECK(only(all, "fresh").at("inode").is_null());
}

TEST_CASE("list keeps apart regions that look alike", "[tool]") {
    constexpr std::size_t count = 30;
    std::vector<Region> twins;
    for (std::size_t i = 0; i < count; ++i)
        twins.push_back(make("twin", 1));
    const Child other = holder();
    std::vector<Map> maps;
    for (const bool mapped : {false, true}) {
        if (mapped)
            for (const Region& twin : twins)
                maps.push_back(twin.map_pages(1));
        const auto rows = named(list(), "twin");
        CHECK(rows.size() == count);
        for (const json& row : rows)
            CHECK(descriptors_of(row).size() == 2);
    }
}

TEST_CASE("list agrees with /proc on many regions of several processes", "[tool]") {
    std::vector<Region> regions;
    std::vector<Map> maps;
    std::vector<std::unique_ptr<Child>> children;
    for (std::size_t i = 0; i < 200; ++i) {
        regions.push_back(make("region " + std::to_string(i), 1 + i % 7));
        if (i % 3 != 0) maps.push_back(regions.back().map_pages(1));
        if (i % 3 == 2) REQUIRE(regions.back().unpin_pages(0) == 0);
        if (i % 5 == 4) REQUIRE(regions.back().set_mask(PROT_READ | PROT_WRITE) == 0);
        if (i % 40 == 39)
            children.push_back(std::make_unique<Child>([] {
                pause();
                return 0;
            }));
    }
    REQUIRE(regions.front().purge_all() >= 0);

    const auto expected = read_proc();
    REQUIRE(expected.size() == 200 + 40 + 80 + 120 + 160 + 200);
    CHECK(by_descriptor(list()) == expected);
}

TEST_CASE("list shows a region that is only mapped", "[tool]") {
    Region region = make("only mapped", 4);
    const Map map = region.map_pages(4);
    map.fill(0, 2 * page_size(), 1);
    region.close();

    const json row = only(list(), "only mapped");
    CHECK(descriptors_of(row).empty());
    CHECK(row.at("holders").size() == 1);
    CHECK(row.at("holders").at(0).at("pid") == getpid());
    CHECK(row.at("holders").at(0).at("maps") == true);
    CHECK(row.at("size") == 4 * page_size());
    CHECK(row.at("resident") == 2 * page_size());
    CHECK(row.at("mask").is_null());
    CHECK(run_tool({"list"}).names("?     1        only mapped"));
}

TEST_CASE("list tells what a region holds in memory", "[tool]") {
    const Region region = make("resident", 8);
    CHECK(only(list(), "resident").at("resident") == 0);
    Map map = region.map_pages(8);
    map.fill(0, 5 * page_size(), 1);
    CHECK(only(list(), "resident").at("resident") == 5 * page_size());
    map.unmap();
    CHECK(only(list(), "resident").at("resident").is_null());
    CHECK(run_tool({"list"}).names(" ? "));
}

TEST_CASE("list of no regions is an empty list", "[tool]") {
    CHECK(run_tool({"list", "--json"}).text == "[]\n");
}

TEST_CASE("list is not misled by other descriptors and maps beside a region's", "[tool]") {
    const Region region = make("beside", 1);
    const ashmem::unique_fd poll(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    // which gives its fdinfo lines of another form
    REQUIRE(epoll_ctl(poll.get(), EPOLL_CTL_ADD, STDOUT_FILENO, &event) == 0);
    const ashmem::unique_fd memfd(memfd_create("ashmem", MFD_CLOEXEC));
    const json all = list();
    CHECK(only(all, "beside").at("holders").size() == 1);
    CHECK(all.size() == 1);
}

TEST_CASE("list shows each descriptor of a region never mapped where kcmp is forbidden", "[tool]") {
    const Region region = make("not compared", 1);
    const Child other = holder();
    const auto rows = named(list([] { refuse_call(SYS_kcmp, EPERM); }), "not compared");
    REQUIRE(rows.size() == 2);
    CHECK(descriptors_of(rows[0]) != descriptors_of(rows[1]));
}

TEST_CASE("list finds maps where memfds are forbidden", "[tool]") {
    Region region = make("only mapped", 1);
    const Map map = region.map_pages(1);
    region.close();
    const json all = list([] { refuse_call(SYS_memfd_create, EPERM); });
    CHECK(only(all, "only mapped").at("holders").at(0).at("maps") == true);
}

TEST_CASE("list shows users without rights what is theirs, and nothing else", "[tool]") {
    const Region ours = make("root's", 1);
    Map map = ours.map_pages(1);
    Ready ready;
    Child nobody([&] {
        become_nobody();
        // else what a process has belongs to root once it has changed its user
        prctl(PR_SET_DUMPABLE, 1);
        close(ours.fd());
        map.unmap();
        const Region theirs = Region::of_pages(1);
        if (theirs.set_name("theirs") != 0) return 1;
        const Map filled = theirs.map_pages(1);
        filled.fill(1);
        ready.tell();
        pause();
        return 0;
    });
    ready.wait();

    const json seen = list(become_nobody);
    INFO(seen.dump(1));
    CHECK(named(seen, "root's").empty());
    const json row = only(seen, "theirs");
    CHECK(row.at("holders").size() == 1);
    CHECK(row.at("holders").at(0).at("pid") == nobody.pid());
    CHECK(row.at("resident") == page_size());
    CHECK(named(list(), "theirs").size() == 1);
}

TEST_CASE("list prints names that a terminal would obey, and no UTF-8, as harmless text",
          "[tool]") {
    const Region region = make(
        "a\n\x1b[2J\x7f\x9b"
        "2J\xff",
        1);
    const Answer text = run_tool({"list"});
    CHECK(
        text.names("a\\x0a\\x1b[2J\\x7f\\x9b"
                   "2J\xff"));
    CHECK(named(list(),
                "a\n\x1b[2J\x7f\xef\xbf\xbd"
                "2J\xef\xbf\xbd")
              .size() == 1);
}

TEST_CASE("list tells a newline in a name from what the kernel writes for it", "[tool]") {
    const Region newline = make("a\nb", 1);
    const Region backslash = make("a\\012b", 1);
    // maps escapes the newline alone
    Region octal = make("a\\101b", 1);
    Region other = make("a\\xyzb", 1);
    const Map map = octal.map_pages(1);
    const Map other_map = other.map_pages(1);
    octal.close();
    other.close();
    const json all = list();
    CHECK(named(all, "a\nb").size() == 1);
    CHECK(named(all, "a\\012b").size() == 1);
    CHECK(named(all, "a\\101b").size() == 1);
    CHECK(named(all, "a\\xyzb").size() == 1);
}

TEST_CASE("list agrees with /proc on 10,000 regions that look alike", "[tool]") {
    constexpr std::size_t count = 10'000;
    Ready ready;
    Child holder([&] {
        const rlimit many{count + 100, count + 100};
        if (setrlimit(RLIMIT_NOFILE, &many) != 0) return 1;
        std::vector<Region> regions;
        std::vector<Map> maps;
        for (std::size_t i = 0; i < count; ++i) {
            regions.push_back(Region::of_pages(1));
            if (regions.back().set_name("one of many") != 0) return 1;
            if (i % 2 == 0) maps.push_back(regions.back().map_pages(1));
        }
        ready.tell();
        pause();
        return 0;
    });
    ready.wait();

    const auto start = std::chrono::steady_clock::now();
    const Answer answer = run_tool({"list", "--json"});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::cout << "# 10,000 regions listed in " << taken.count() << " s\n";
    const json regions = json::parse(answer.text);
    CHECK(regions.size() == count);
    // Catch2 would print all of them
    const bool agrees = by_descriptor(regions) == read_proc();
    CHECK(agrees);
}

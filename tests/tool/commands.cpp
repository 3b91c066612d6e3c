// SPDX-License-Identifier: Apache-2.0
// The commands of `ashmem` that change something, and its usage errors.
#include <linux/ashmem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "tool/tool.hpp"

using namespace test;

TEST_CASE("usage errors of the tool are exit code 2 and say what is wrong", "[tool][host]") {
    CHECK(run_tool({}).status == 2);
    CHECK(run_tool({"lists"}).status == 2);
    CHECK(run_tool({"create", "x", "12Q", "--", "true"}).names("'12Q' is no size"));
    CHECK(run_tool({"create", "x", "12Q", "--", "true"}).status == 2);
    CHECK(run_tool({"create", "x", "0", "--", "true"}).status == 2);
    CHECK(run_tool({"create", "x", "", "--", "true"}).names("'' is no size"));
    CHECK(run_tool({"create", std::string(256, 'n'), "1", "--", "true"}).names("at most 255"));
    CHECK(run_tool({"create", "x", "99999999T", "--", "true"}).names("too large"));
    CHECK(run_tool({"top", "--delay", "0"}).status == 2);
    CHECK(run_tool({"nodes", "make"}).status == 2);
    CHECK(run_tool({"--help"}).status == 0);
    for (const char* const place :
         {"12", "12:", ":1", "x:1", "1:x", "2147483648:1", "1:2147483648"}) {
        const Answer answer = run_tool({"show", place});
        CHECK(answer.status == 2);
        CHECK(answer.names("'" + std::string(place) + "' is no PID:FD"));
    }
}

TEST_CASE("what the tool cannot write is a failure", "[tool][host]") {
    for (const char* const words : {" list", " top --iterations 1"}) {
        const std::string command = tool_path() + words + " >/dev/full 2>/dev/null";
        CHECK(in_child([&command] {
                  execl("/bin/sh", "sh", "-c", (command + "; exit $((10 + $?))").c_str(), nullptr);
                  return 125;
              }) == 11);
    }
}

TEST_CASE("nodes says which program is missing", "[tool][host]") {
    // where the package is installed it is there, and is not run: it would make nodes
    const bool installed = access("/usr/lib/ashmem/nodes", F_OK) == 0;
    const Answer answer = installed ? Answer{} : run_tool({"nodes", "add"});
    CHECK((installed || answer.status == 1));
    CHECK((installed || answer.names("/usr/lib/ashmem/nodes, which the package ashmem-tools has")));
}

TEST_CASE("create gives a command a region, and has its exit code", "[tool]") {
    const Answer made = run_tool(
        {"create", "a name", "64K", "--", "sh", "-c", "cat /proc/self/fdinfo/$ASHMEM_FD; exit 42"});
    CHECK(made.status == 42);
    CHECK(made.names("name:\ta name\nsize:\t65536\n"));
    CHECK(made.errors.find("ashmem: region 'a name' of 65536 bytes is descriptor ") == 0);
    CHECK(run_tool({"create", "x", "1", "--", "/nowhere"}).status == 127);
    CHECK(run_tool({"create", "x", "1", "--", "/proc"}).status == 126);
}

TEST_CASE("purge discards what is unpinned, and tells how much", "[tool]") {
    const Region region = Region::of_pages(3);
    const Map map = region.map_pages(3);
    map.fill(1);
    REQUIRE(region.unpin_pages(0, 2) == 0);

    const Answer refused = run_tool({"purge"}, become_nobody);
    CHECK(refused.status == 1);
    CHECK(refused.names("only root (CAP_SYS_ADMIN) may purge"));
    CHECK(region.fdinfo_number("purged") == 0);

    const Answer purged = run_tool({"purge"});
    CHECK(purged.status == 0);
    CHECK(purged.names("2 pages were unpinned and are purged"));
    CHECK(region.fdinfo_number("purged") == 2 * page_size());
}

TEST_CASE("create and purge tell what the system refused them", "[tool]") {
    const std::vector<std::string> create = {"create", "x", "4K", "--", "true"};
    const Answer made = run_tool(create, [] {
        refuse_call(SYS_ioctl, ENOMEM, static_cast<std::uint32_t>(ASHMEM_SET_SIZE));
    });
    CHECK(made.status == 1);
    CHECK(made.names("cannot make a region of 4096 bytes: Cannot allocate memory"));
    const Answer purged = run_tool({"purge"}, [] {
        refuse_call(SYS_ioctl, EACCES, static_cast<std::uint32_t>(ASHMEM_PURGE_ALL_CACHES));
    });
    CHECK(purged.status == 1);
    CHECK(purged.names("cannot purge: Permission denied"));
}

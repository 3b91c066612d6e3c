// SPDX-License-Identifier: Apache-2.0
// The commands of `ashmem` that change something, and its usage errors.
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "support/process.hpp"
#include "support/region.hpp"
#include "tool/tool.hpp"

using namespace test;

namespace {

// `ashmem top` at a terminal, which is pressed a key or, by control, a signal. Returns its
// exit code, or 128 plus a signal; -1 if it did not end in five seconds.
int top_ended_by(char key) {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    REQUIRE(child >= 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        execl(tool_path().c_str(), "ashmem", "top", "--delay", "60", nullptr);
        _exit(125);
    }
    // the list is there: so it listens
    std::string text;
    char buffer[4096];
    while (text.find("HOLDERS") == std::string::npos) {
        const ssize_t got = read(terminal, buffer, sizeof(buffer));
        if (got <= 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    REQUIRE(write(terminal, &key, 1) == 1);
    int status = -1;
    for (int i = 0; i < 100 && waitpid(child, &status, WNOHANG) == 0; ++i)
        usleep(50'000);
    if (kill(child, SIGKILL) == 0) waitpid(child, nullptr, 0);
    close(terminal);
    if (status == -1) return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

TEST_CASE("usage errors of the tool are exit code 2 and say what is wrong", "[tool][host]") {
    CHECK(run_tool({}).status == 2);
    CHECK(run_tool({"lists"}).status == 2);
    CHECK(run_tool({"create", "x", "12Q", "--", "true"}).names("'12Q' is no size"));
    CHECK(run_tool({"create", "x", "12Q", "--", "true"}).status == 2);
    CHECK(run_tool({"create", "x", "0", "--", "true"}).status == 2);
    CHECK(run_tool({"create", std::string(256, 'n'), "1", "--", "true"}).names("at most 255"));
    CHECK(run_tool({"create", "x", "99999999T", "--", "true"}).names("too large"));
    CHECK(run_tool({"top", "--delay", "0"}).status == 2);
    CHECK(run_tool({"nodes", "make"}).status == 2);
    CHECK(run_tool({"--help"}).status == 0);
}

TEST_CASE("what the tool cannot write is a failure", "[tool][host]") {
    const std::string command = tool_path() + " list >/dev/full";
    CHECK(in_child([&command] {
              execl("/bin/sh", "sh", "-c", (command + " 2>/dev/null; exit $((10 + $?))").c_str(),
                    nullptr);
              return 125;
          }) == 11);
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

TEST_CASE("top repeats the list so many times, without codes for a terminal where there is none",
          "[tool]") {
    const Answer answer = run_tool({"top", "--iterations", "3", "--delay", "0.1"});
    CHECK(answer.status == 0);
    CHECK_FALSE(answer.names("\x1b"));
    std::size_t lists = 0;
    for (std::size_t at = 0; (at = answer.text.find("HOLDERS", at)) != std::string::npos; ++at)
        ++lists;
    CHECK(lists == 3);
}

TEST_CASE("top ends by q, and by ^C", "[tool]") {
    CHECK(top_ended_by('q') == 0);
    CHECK(top_ended_by('\x03') == 128 + SIGINT);
}

// SPDX-License-Identifier: Apache-2.0
// Unpinned memory in memory cgroups: at a group's limit the pages go that its processes
// unpinned.
//
// Run by themselves ([cgroup]) in a guest without swap, where anonymous memory cannot be
// reclaimed: at a limit the kernel either finds unpinned pages or kills a process.
#include "support/cgroup.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/steps.hpp"

using namespace test;

namespace {

constexpr unsigned char byte = 0xcd;

// A region that this process holds and others fill: what they touch is charged to them.
struct Shared {
    explicit Shared(std::size_t bytes)
        : region(Region::of_pages(bytes / page_size())), map(region.map(bytes)) {}
    [[nodiscard]] int fill_and_unpin(std::size_t first, std::size_t bytes) const {
        map.fill(first, bytes, byte);
        return region.unpin_pages(first / page_size(), bytes / page_size()) == 0 ? 0 : 1;
    }
    [[nodiscard]] int fill_and_unpin() const { return fill_and_unpin(0, map.size()); }
    [[nodiscard]] std::uint64_t purged() const { return region.fdinfo_number("purged"); }
    // PIN agrees that nothing was purged
    [[nodiscard]] bool is_whole() const {
        return purged() == 0 && region.pin(0, 0) == ASHMEM_NOT_PURGED && map.holds(byte);
    }
    Region region;
    Map map;
};

// as in_child, in a group; the process is killed if a limit stops it
int in_group(const Cgroup& group, const std::function<int()>& work) {
    return in_child([&] {
        alarm(100);
        group.join();
        return work();
    });
}

std::uint64_t oom_kills(const Cgroup& group) {
    return group.key("memory.events", "oom_kill");
}

bool purged_by_drop_caches(const Shared& shared, std::uint64_t bytes) {
    for (int i = 0; i < 20 && shared.purged() < bytes; ++i)
        write_file("/proc/sys/vm/drop_caches", "2");
    return shared.purged() >= bytes;
}

// A range that reclaim has purged in part, from its lower end, with pinned pages on both sides.
struct PurgedInPart {
    static constexpr std::size_t beside = 8;
    static std::size_t pages() { return 64 * mib / page_size(); }

    PurgedInPart() : shared((pages() + 2 * beside) * page_size()) {
        REQUIRE(in_group(group, [&] {
                    return shared.fill_and_unpin(first * page_size(), pages() * page_size());
                }) == 0);
        // what is above a new limit is reclaimed at once, and some more
        group.set("memory.max", 60 * mib);
        intact = first + purged();
        REQUIRE(intact > first + beside);
        REQUIRE(intact + beside < last);
    }
    [[nodiscard]] std::size_t purged() const { return shared.purged() / page_size(); }
    [[nodiscard]] std::size_t unpinned() const {
        return shared.region.fdinfo_number("unpinned") / page_size();
    }

    Cgroup group{"group"};
    Shared shared;
    std::size_t first = beside, last = beside + pages() - 1;
    // the first page that is not purged
    std::size_t intact = 0;
};

} // namespace

TEST_CASE("the guest has memory cgroups and no swap", "[cgroup]") {
    CHECK_THAT(read_file(std::string(Cgroup::root) + "/cgroup.controllers"),
               Catch::Contains("memory"));
    CHECK(meminfo("SwapTotal") == 0);
}

TEST_CASE("at a cgroup's limit its unpinned pages go, and nobody else's", "[cgroup]") {
    Cgroup other("other"), group("group");
    group.set("memory.max", 96 * mib);
    Shared theirs(32 * mib), ours(64 * mib);
    REQUIRE(in_group(other, [&] { return theirs.fill_and_unpin(); }) == 0);
    CHECK(in_group(group, [&] { return ours.fill_and_unpin() || touch(64 * mib); }) == 0);
    CHECK(oom_kills(group) == 0);
    CHECK(ours.purged() >= 32 * mib);
    CHECK(ours.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(theirs.is_whole());
}

TEST_CASE("above a cgroup's memory.high its unpinned pages go, and nobody else's", "[cgroup]") {
    Cgroup other("other"), group("group");
    group.set("memory.high", 96 * mib);
    Shared theirs(32 * mib), ours(64 * mib);
    REQUIRE(in_group(other, [&] { return theirs.fill_and_unpin(); }) == 0);
    // if nothing can be purged the kernel makes it sleep, for seconds for each MiB
    CHECK(in_group(group, [&] { return ours.fill_and_unpin() || touch(64 * mib); }) == 0);
    CHECK(ours.purged() >= 24 * mib);
    CHECK(ours.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(theirs.is_whole());
}

TEST_CASE("a limit further up finds what a cgroup below it unpinned", "[cgroup]") {
    Cgroup top("top"), middle("middle", top), leaf("leaf", middle), beside("beside");
    top.set("memory.max", 96 * mib);
    Shared theirs(32 * mib), ours(64 * mib);
    REQUIRE(in_group(beside, [&] { return theirs.fill_and_unpin(); }) == 0);
    CHECK(in_group(leaf, [&] { return ours.fill_and_unpin() || touch(64 * mib); }) == 0);
    CHECK(oom_kills(top) == 0);
    CHECK(ours.purged() >= 32 * mib);
    CHECK(ours.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(theirs.is_whole());
}

TEST_CASE("what was unpinned stays with its cgroup when the process moves on", "[cgroup]") {
    Cgroup before("before"), after("after");
    // Two ranges that touch, unpinned one right after the other. Without the move they
    // would become one.
    Shared shared(96 * mib);
    const std::size_t lower = 64 * mib, upper = 32 * mib;
    REQUIRE(in_group(before, [&] {
                if (shared.fill_and_unpin(0, lower) != 0) return 1;
                after.join();
                return shared.fill_and_unpin(lower, upper);
            }) == 0);
    before.set("memory.max", 96 * mib);
    CHECK(in_group(before, [] { return touch(64 * mib); }) == 0);
    CHECK(oom_kills(before) == 0);
    CHECK(shared.purged() >= 32 * mib);
    CHECK(shared.purged() <= lower);
    CHECK(shared.map.holds(lower, upper, byte));
    after.set("memory.max", 64 * mib);
    CHECK(in_group(after, [] { return touch(48 * mib); }) == 0);
    CHECK(oom_kills(after) == 0);
    CHECK(shared.region.pin_pages(lower / page_size(), upper / page_size()) == ASHMEM_WAS_PURGED);
    CHECK(shared.region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("the limit above a removed cgroup finds what that one unpinned", "[cgroup]") {
    Cgroup top("top"), stays("stays", top), goes("goes", top);
    top.set("memory.max", 96 * mib);
    Shared shared(64 * mib);
    REQUIRE(in_group(goes, [&] { return shared.fill_and_unpin(); }) == 0);
    goes.remove();
    CHECK(in_group(stays, [] { return touch(64 * mib); }) == 0);
    CHECK(oom_kills(top) == 0);
    CHECK(shared.purged() >= 32 * mib);
    CHECK(shared.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(shared.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("ranges outlive their cgroup and are pinned and purged as any", "[cgroup]") {
    const std::size_t pages = 64;
    std::vector<Shared> all;
    for (int round = 0; round < std::max(rounds(100), 5); ++round) {
        Shared shared(pages * page_size());
        Cgroup group("group");
        // every other page, so that PIN takes ranges whole, in part and split
        REQUIRE(in_group(group, [&] {
                    shared.map.fill(byte);
                    int ret = shared.region.unpin_pages(0, 16) != 0;
                    for (std::size_t page = 17; page < pages; page += 2)
                        ret |= shared.region.unpin_pages(page) != 0;
                    return ret;
                }) == 0);
        group.remove();
        REQUIRE(shared.region.pin_pages(8) == ASHMEM_NOT_PURGED);
        REQUIRE(shared.region.pin_pages(17) == ASHMEM_NOT_PURGED);
        REQUIRE(shared.region.unpin_pages(30, 4) == 0);
        REQUIRE(shared.map.holds(byte));
        all.push_back(std::move(shared));
    }
    for (const auto& shared : all) {
        const auto unpinned = shared.region.fdinfo_number("unpinned");
        REQUIRE(purged_by_drop_caches(shared, unpinned));
        REQUIRE(shared.map.holds(8 * page_size(), page_size(), byte));
        REQUIRE(shared.region.pin_pages(0, 8) == ASHMEM_WAS_PURGED);
        REQUIRE(shared.region.pin(0, 0) == ASHMEM_WAS_PURGED);
        REQUIRE(shared.region.fdinfo_number("unpinned") == 0);
    }
}

TEST_CASE("PIN and UNPIN tell the purged pages of a range from the others", "[cgroup]") {
    const PurgedInPart part;
    const Region& region = part.shared.region;
    const std::size_t first = part.first, intact = part.intact, last = part.last;
    const std::size_t purged = intact - first, all = last - first + 1;
    SECTION("PIN takes all that is not purged") {
        CHECK(region.pin_pages(intact, last - intact + 1) == ASHMEM_NOT_PURGED);
        CHECK(part.unpinned() == purged);
        CHECK(part.purged() == purged);
    }
    SECTION("PIN takes the first page that is not purged") {
        CHECK(region.pin_pages(intact) == ASHMEM_NOT_PURGED);
        CHECK(part.unpinned() == all - 1);
        CHECK(part.purged() == purged);
    }
    SECTION("UNPIN meets purged pages only, and its own count as purged") {
        REQUIRE(region.unpin_pages(first - 1, 2) == 0);
        CHECK(part.unpinned() == all + 1);
        CHECK(part.purged() == purged + 1);
        CHECK(region.pin_pages(first - 1) == ASHMEM_WAS_PURGED);
    }
    SECTION("UNPIN meets none that is purged, nor do its own count as purged") {
        REQUIRE(region.unpin_pages(last, 2) == 0);
        CHECK(part.unpinned() == all + 1);
        CHECK(part.purged() == purged);
        CHECK(region.pin_pages(last + 1) == ASHMEM_NOT_PURGED);
    }
    SECTION("UNPIN meets both, and all counts as purged") {
        REQUIRE(region.unpin_pages(intact - 1, last - intact + 3) == 0);
        CHECK(part.purged() == all + 1);
        CHECK(region.pin_pages(last + 1) == ASHMEM_WAS_PURGED);
        return;
    }
    CHECK(region.pin_pages(intact + 1, last - intact) == ASHMEM_NOT_PURGED);
    CHECK(region.pin_pages(first) == ASHMEM_WAS_PURGED);
    CHECK(region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(part.unpinned() == 0);
    CHECK(part.shared.map.holds(first * page_size(), purged * page_size(), 0));
    CHECK(part.shared.map.holds(intact * page_size(), (last - intact + 1) * page_size(), byte));
}

TEST_CASE("PURGE_ALL_CACHES purges what any cgroup unpinned", "[cgroup]") {
    Cgroup group("group");
    Shared shared(mib);
    REQUIRE(in_group(group, [&] {
                shared.map.fill(byte);
                return shared.region.unpin(0, 0) != 0;
            }) == 0);
    REQUIRE(Region().purge_all() == static_cast<long>(mib / page_size()));
    CHECK(shared.region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("a range belongs to the cgroup that unpinned it, whoever filled it", "[cgroup]") {
    Cgroup client("client"), server("server");
    Shared shared(64 * mib);
    REQUIRE(in_group(client, [&] {
                shared.map.fill(byte);
                return 0;
            }) == 0);
    Child worker([&] {
        server.join();
        if (shared.region.unpin(0, 0) != 0 || touch(24 * mib) != 0) return 1;
        return pause();
    });
    for (int i = 0; i < 3000 && server.number("memory.current") < 24 * mib; ++i)
        usleep(10000);
    // A lower limit makes the kernel reclaim, and kills nobody. The client's finds no
    // range of its own, although the pages are charged to it,
    REQUIRE(client.number("memory.current") >= 64 * mib);
    client.set("memory.high", 32 * mib);
    CHECK(shared.purged() == 0);
    // the server's finds it, although that does not help the server,
    server.set("memory.high", 8 * mib);
    CHECK(shared.purged() > 0);
    CHECK(client.number("memory.current") < 64 * mib);
    // and so does a shortage of the machine's memory
    CHECK(purged_by_drop_caches(shared, 64 * mib));
    CHECK(shared.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(worker.running());
}

TEST_CASE("at a cgroup's limit each step costs as much as it needs", "[cgroup]") {
    Cgroup group("group");
    group.set("memory.max", 96 * mib);
    Shared shared(64 * mib);
    const Steps steps = take_in_steps(shared.region, 48 * mib, 96, [&] {
        group.join();
        if (shared.fill_and_unpin() != 0) throw std::runtime_error("UNPIN failed");
    });
    INFO(steps.text());
    CHECK(steps.ended == 0);
    CHECK(steps.total() >= 16 * mib);
    CHECK(steps.largest() <= 16 * mib);
    CHECK(steps.median() <= 4 * mib);
}

TEST_CASE("at a limit of cgroup v1 unpinned pages go", "[cgroup-v1]") {
    const std::string root = "/tmp/v1";
    REQUIRE(mkdir(root.c_str(), 0755) == 0);
    // the second version has let go of the controller only while nobody has used it
    REQUIRE(outcome(mount("cgroup", root.c_str(), "cgroup", 0, "memory")) == 0);
    Cgroup other("other", root), group("group", root);
    group.set("memory.limit_in_bytes", 96 * mib);
    Shared theirs(32 * mib), ours(64 * mib);
    REQUIRE(in_group(other, [&] { return theirs.fill_and_unpin(); }) == 0);
    CHECK(in_group(group, [&] { return ours.fill_and_unpin() || touch(64 * mib); }) == 0);
    CHECK(group.key("memory.oom_control", "oom_kill") == 0);
    CHECK(ours.purged() >= 32 * mib);
    CHECK(ours.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(theirs.is_whole());
}

TEST_CASE("with memory cgroups disabled the range unpinned first goes first", "[nocgroup]") {
    const std::string controllers = read_file(std::string(Cgroup::root) + "/cgroup.controllers");
    REQUIRE_THAT(controllers, Catch::Contains("cpu"));
    REQUIRE_THAT(controllers, !Catch::Contains("memory"));
    Shared first(32 * mib), second(32 * mib), pinned(8 * mib);
    pinned.map.fill(byte);
    REQUIRE(second.fill_and_unpin() == 0);
    REQUIRE(first.fill_and_unpin() == 0);
    REQUIRE(squeeze_until([&] { return first.purged() >= 8 * mib; }));
    CHECK(second.purged() == 32 * mib);
    CHECK(first.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(second.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(pinned.is_whole());
}

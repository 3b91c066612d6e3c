// SPDX-License-Identifier: Apache-2.0
// A region's memory is charged to the memory cgroup of the process that causes it, so that
// a container's limit covers all of it.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;

// Makes this process a member, for as long as this lives.
class Member {
public:
    explicit Member(const Cgroup& group) { group.join(); }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() { write_file(std::string(Cgroup::root) + "/cgroup.procs", "0"); }
};

// A group's memory of a kind, relative to what it was at first. The kernel brings its
// sums up to date every few seconds, and up to 5.15 each processor keeps back as much
// as 32 pages of each kind for good.
class Charge {
public:
    Charge(const Cgroup& group, const char* kind) : group_(group), kind_(kind), start_(now()) {}

    bool reaches(std::int64_t bytes) const {
        return comes_true([&] { return now() - start_ >= bytes - slack; });
    }
    bool falls_to(std::int64_t bytes) const {
        return comes_true([&] { return now() - start_ <= bytes + slack; });
    }
    std::int64_t grown() const { return now() - start_; }

private:
    static bool comes_true(const std::function<bool()>& condition) {
        for (int i = 0; i < 200 && !condition(); ++i)
            usleep(50000);
        return condition();
    }
    std::int64_t now() const { return static_cast<std::int64_t>(group_.key("memory.stat", kind_)); }

    static constexpr std::int64_t slack = mib / 2;
    const Cgroup& group_;
    const char* kind_;
    std::int64_t start_;
};

} // namespace

TEST_CASE("ranges are charged to the memory cgroup of who unpins", "[device][cgroup]") {
    constexpr std::size_t ranges = 20000;
    const auto bytes = static_cast<std::int64_t>(ranges * slab_object_size("ashmem_range"));
    Cgroup group("ranges");
    // made outside: the group is charged for what happens within only
    Region region = Region::of_pages(2 * ranges);
    REQUIRE(region.try_map(page_size()) == 0);
    const Charge charge(group, "slab");
    {
        Member member(group);
        for (std::size_t i = 0; i < ranges; ++i)
            REQUIRE(region.unpin_pages(2 * i) == 0);
    }
    CHECK(charge.reaches(bytes));
    region.close();
    CHECK(charge.falls_to(0));
}

TEST_CASE("regions are charged to the memory cgroup of who opens them", "[device][cgroup]") {
    constexpr std::size_t regions = 5000;
    rlimit files{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = std::max<rlim_t>(files.rlim_cur, regions + 100);
    files.rlim_max = std::max(files.rlim_max, files.rlim_cur);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    const auto bytes = static_cast<std::int64_t>(regions * slab_object_size("ashmem_region"));
    // the open files are charged too; those of another device show how much
    const auto open_all = [&](const char* device) {
        std::vector<Region> opened;
        for (std::size_t i = 0; i < regions; ++i)
            opened.emplace_back(Region::Adopt{open(device, O_RDWR | O_CLOEXEC)});
        return opened;
    };
    Cgroup group("regions");
    Member member(group);
    const Charge charge(group, "slab");
    std::int64_t alone = 0;
    {
        const auto opened = open_all("/dev/null");
        REQUIRE(opened.back().fd() >= 0);
        // nothing shows when the sum is complete, except the file's own size
        REQUIRE(charge.reaches(static_cast<std::int64_t>(regions * slab_object_size("filp"))));
        alone = charge.grown();
    }
    REQUIRE(charge.falls_to(0));
    {
        const auto opened = open_all("/dev/ashmem");
        REQUIRE(opened.back().fd() >= 0);
        CHECK(charge.reaches(alone + bytes));
    }
    CHECK(charge.falls_to(0));
}

TEST_CASE("pages are charged to the memory cgroup of who touches them first", "[device][cgroup]") {
    const std::size_t pages = static_cast<std::size_t>(16 * mib) / page_size();
    Cgroup group("pages"), other("other");
    Region region = Region::of_pages(pages);
    Map map = region.map_pages(pages);
    const Charge charge(group, "shmem"), others(other, "shmem");
    {
        Member member(group);
        map.fill(1);
    }
    CHECK(charge.reaches(16 * mib));
    {
        Member member(other);
        map.fill(2);
    }
    CHECK(charge.reaches(16 * mib));
    CHECK(others.grown() == 0);
    map.unmap();
    region.close();
    CHECK(charge.falls_to(0));
}

TEST_CASE("a purge takes pages off the memory cgroup that they were charged to",
          "[device][cgroup]") {
    const std::size_t pages = static_cast<std::size_t>(16 * mib) / page_size();
    Cgroup group("purged");
    Region region = Region::of_pages(pages);
    Map map = region.map_pages(pages);
    const Charge charge(group, "shmem");
    {
        Member member(group);
        map.fill(1);
    }
    REQUIRE(charge.reaches(16 * mib));
    REQUIRE(region.unpin_pages(0, pages / 2) == 0);
    REQUIRE(region.purge_all() == static_cast<long>(pages / 2));
    CHECK(charge.falls_to(8 * mib));
    CHECK(charge.reaches(8 * mib));
}

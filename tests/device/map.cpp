// SPDX-License-Identifier: Apache-2.0
// mmap: what may be mapped, and what a map shows.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

TEST_CASE("mmap without a size is EINVAL", "[device][map]") {
    CHECK(Region().try_map(page_size()) == -EINVAL);
}

TEST_CASE("mmap without a size is EINVAL before the mask is looked at", "[device][map]") {
    Region region;
    REQUIRE(region.set_mask(0) == 0);
    CHECK(region.try_map(page_size()) == -EINVAL);
    REQUIRE(region.set_size(page_size()) == 0);
    CHECK(region.try_map(2 * page_size()) == -EINVAL);
    CHECK(region.try_map(page_size()) == -EPERM);
}

TEST_CASE("a map longer than the page-rounded size is EINVAL", "[device][map]") {
    Region region;
    REQUIRE(region.set_size(page_size() + 1) == 0);
    CHECK(region.try_map(3 * page_size()) == -EINVAL);
    CHECK(region.try_map(2 * page_size()) == 0);
    CHECK(region.try_map(2 * page_size() + 1) == -EINVAL);
}

TEST_CASE("a private map longer than the page-rounded size is EINVAL", "[device][map]") {
    Region region = Region::of_pages(1);
    CHECK(region.try_map(2 * page_size(), rw, MAP_PRIVATE) == -EINVAL);
}

TEST_CASE("a shorter map shows the region's start", "[device][map]") {
    Region region = Region::of_pages(4);
    Map all = region.map_pages(4), some = region.map_pages(2);
    all.fill(0, page_size(), 1);
    all.fill(page_size(), page_size(), 2);
    CHECK(some.holds(0, page_size(), 1));
    CHECK(some.holds(page_size(), page_size(), 2));
}

TEST_CASE("shared maps show the same pages", "[device][map]") {
    Region region = Region::of_pages(2);
    Map a = region.map_pages(2), b = region.map_pages(2);
    a.fill(0xa5);
    CHECK(b.holds(0xa5));
    b[page_size()] = 1;
    CHECK(a[page_size()] == 1);
}

TEST_CASE("a region is born full of zeros", "[device][map]") {
    Region region = Region::of_pages(16);
    CHECK(region.map_pages(16).holds(0));
}

TEST_CASE("data stays when the last map goes", "[device][map]") {
    Region region = Region::of_pages(1);
    region.map_pages(1).fill(77);
    CHECK(region.map_pages(1).holds(77));
}

TEST_CASE("maps survive the close of the descriptor", "[device][map]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    map.fill(5);
    region.close();
    CHECK(map.holds(5));
    map.fill(6);
    CHECK(map.holds(6));
}

TEST_CASE("an offset maps that part", "[device][map]") {
    Region region = Region::of_pages(4);
    Map all = region.map_pages(4);
    for (std::size_t page = 0; page < 4; ++page)
        all.fill(page * page_size(), page_size(), static_cast<unsigned char>(page + 1));
    const auto offset = static_cast<off_t>(2 * page_size());
    Map part = region.map(2 * page_size(), rw, MAP_SHARED, offset);
    CHECK(part.holds(0, page_size(), 3));
    CHECK(part.holds(page_size(), page_size(), 4));
}

TEST_CASE("an offset past the end is accepted and faults with SIGBUS", "[device][map]") {
    Region region = Region::of_pages(2);
    Map map = region.map(page_size(), rw, MAP_SHARED, static_cast<off_t>(16 * page_size()));
    CHECK(in_child([&] { return map[0]; }) == 128 + SIGBUS);
}

TEST_CASE("the bytes between size and page end are mapped and zero", "[device][map]") {
    Region region;
    REQUIRE(region.set_size(100) == 0);
    Map map = region.map_pages(1);
    CHECK(map.holds(0));
    map[page_size() - 1] = 1;
    CHECK(map[page_size() - 1] == 1);
}

TEST_CASE("a private map is plain zeroed memory and does not see the region", "[device][map]") {
    Region region = Region::of_pages(1);
    Map shared = region.map_pages(1);
    shared.fill(42);
    Map alone = region.map(page_size(), rw, MAP_PRIVATE);
    CHECK(alone.holds(0));
    alone.fill(43);
    CHECK(shared.holds(42));
    CHECK_THAT(alone.maps_line(), Catch::Contains("/dev/ashmem (deleted)"));
}

TEST_CASE("a private map is copied by fork", "[device][map]") {
    Region region = Region::of_pages(1);
    Map map = region.map(page_size(), rw, MAP_PRIVATE);
    map.fill(1);
    CHECK(in_child([&] {
              const bool seen = map.holds(1);
              map.fill(2);
              return seen && map.holds(2) ? 0 : 1;
          }) == 0);
    CHECK(map.holds(1));
}

TEST_CASE("a shared map is shared over fork", "[device][map]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    map.fill(1);
    CHECK(in_child([&] {
              const bool seen = map.holds(1);
              map.fill(2);
              return seen ? 0 : 1;
          }) == 0);
    CHECK(map.holds(2));
}

TEST_CASE("a child maps a region that it inherited", "[device][map]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    CHECK(in_child([&] {
              Map own = region.map_pages(1);
              own.fill(3);
              return 0;
          }) == 0);
    CHECK(map.holds(3));
}

TEST_CASE("pages come at the first touch, not with the map", "[device][map]") {
    const std::uint64_t bytes = std::uint64_t{64} << 20;
    const auto before = meminfo("Shmem");
    Region region;
    REQUIRE(region.set_size(bytes) == 0);
    Map map = region.map(bytes);
    CHECK(meminfo("Shmem") < before + bytes / 4);
    map.fill(1);
    CHECK(meminfo("Shmem") > before + bytes / 2);
}

TEST_CASE("memory comes back when descriptor and maps are gone", "[device][map]") {
    const std::uint64_t bytes = std::uint64_t{64} << 20;
    const auto before = meminfo("Shmem");
    {
        Region region;
        REQUIRE(region.set_size(bytes) == 0);
        Map map = region.map(bytes);
        map.fill(1);
        region.close();
        CHECK(meminfo("Shmem") > before + bytes / 2);
    }
    CHECK(meminfo("Shmem") < before + bytes / 4);
}

TEST_CASE("mremap moves a map and keeps its pages", "[device][map]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2);
    map.fill(8);
    void* target = mmap(nullptr, 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(target != MAP_FAILED);
    void* moved =
        mremap(map.address(), map.size(), map.size(), MREMAP_MAYMOVE | MREMAP_FIXED, target);
    REQUIRE(moved == target);
    CHECK(static_cast<unsigned char*>(moved)[page_size()] == 8);
    munmap(moved, 2 * page_size());
}

TEST_CASE("mremap may grow a map, and what lies past the end faults", "[device][map]") {
    Region region = Region::of_pages(1);
    void* address = mmap(nullptr, page_size(), rw, MAP_SHARED, region.fd(), 0);
    REQUIRE(address != MAP_FAILED);
    auto* grown = static_cast<volatile unsigned char*>(
        mremap(address, page_size(), 2 * page_size(), MREMAP_MAYMOVE));
    REQUIRE(grown != MAP_FAILED);
    grown[0] = 1;
    CHECK(in_child([&] { return grown[page_size()]; }) == 128 + SIGBUS);
    munmap(const_cast<unsigned char*>(grown), 2 * page_size());
}

TEST_CASE("MADV_REMOVE through a writable map zeroes the pages for all", "[device][map]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2), other = region.map_pages(2);
    map.fill(4);
    CHECK(outcome(madvise(map.address(), page_size(), MADV_REMOVE)) == 0);
    CHECK(other.holds(0, page_size(), 0));
    CHECK(other.holds(page_size(), page_size(), 4));
}

TEST_CASE("a region is charged once, also while it is mapped", "[device][map]") {
    // the original made a second, throw-away file of the same size at each shared map;
    // without overcommit both had to fit into memory
    const std::uint64_t kib = 64 << 10;
    const std::string knob = "/proc/sys/vm/overcommit_", mode = read_file(knob + "memory");
    const auto limit = meminfo("Committed_AS") / 1024 + kib + kib / 2;
    REQUIRE(write_file(knob + "kbytes", std::to_string(limit)) == 0);
    REQUIRE(write_file(knob + "memory", "2") == 0);
    Region region;
    REQUIRE(region.set_size(kib * 1024) == 0);
    const long one = region.try_map(kib * 1024);
    Region second;
    REQUIRE(second.set_size(kib * 1024) == 0);
    const long two = second.try_map(kib * 1024);
    REQUIRE(write_file(knob + "memory", mode) == 0);
    CHECK(one == 0);
    CHECK(two == -ENOMEM);
}

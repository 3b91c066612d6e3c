// SPDX-License-Identifier: Apache-2.0
// SET_PROT_MASK and GET_PROT_MASK.
#include <sys/personality.h>

#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

TEST_CASE("the mask starts as READ, WRITE, EXEC", "[device][prot]") {
    CHECK(Region().mask() == rwx);
}

TEST_CASE("the mask only loses bits", "[device][prot]") {
    for (unsigned long prot = 0; prot <= rwx; ++prot) {
        Region region;
        CHECK(region.set_mask(prot) == 0);
        CHECK(region.mask() == static_cast<long>(prot));
        for (unsigned long next = 0; next <= rwx; ++next) {
            INFO(prot << " then " << next);
            Region again;
            REQUIRE(again.set_mask(prot) == 0);
            const bool subset = (next & ~prot) == 0;
            CHECK(again.set_mask(next) == (subset ? 0 : -EINVAL));
            CHECK(again.mask() == static_cast<long>(subset ? next : prot));
        }
    }
}

TEST_CASE("a bit beyond READ, WRITE, EXEC is EINVAL and changes nothing", "[device][prot]") {
    Region region;
    for (unsigned long bit : {8UL, 0x1000000UL, 1UL << 31, ~0UL}) {
        CHECK(region.set_mask(bit | PROT_READ) == -EINVAL);
        CHECK(region.mask() == rwx);
    }
}

TEST_CASE("setting the same mask again is fine", "[device][prot]") {
    Region region;
    CHECK(region.set_mask(PROT_READ) == 0);
    CHECK(region.set_mask(PROT_READ) == 0);
}

TEST_CASE("the mask holds for every holder of the descriptor", "[device][prot]") {
    Region region = Region::of_pages(1);
    REQUIRE(in_child([&] { return region.set_mask(PROT_READ) == 0 ? 0 : 1; }) == 0);
    CHECK(region.mask() == PROT_READ);
    CHECK(region.try_map(page_size(), rw) == -EPERM);
}

TEST_CASE("the mask may be narrowed before and after the first map", "[device][prot]") {
    Region region;
    CHECK(region.set_mask(rw) == 0);
    REQUIRE(region.set_size(page_size()) == 0);
    Map map = region.map_pages(1);
    CHECK(region.set_mask(PROT_READ) == 0);
    CHECK(region.try_map(page_size(), rw) == -EPERM);
}

TEST_CASE("READ_IMPLIES_EXEC adds EXEC to READ where the mask has it", "[device][prot]") {
    CHECK(in_child([] {
              personality(READ_IMPLIES_EXEC);
              Region region;
              if (region.set_mask(PROT_READ) != 0) return 1;
              return region.mask() == (PROT_READ | PROT_EXEC) ? 0 : 2;
          }) == 0);
}

TEST_CASE("READ_IMPLIES_EXEC never gives EXEC back", "[device][prot]") {
    CHECK(in_child([] {
              Region region;
              if (region.set_mask(rw) != 0) return 1;
              personality(READ_IMPLIES_EXEC);
              if (region.set_mask(PROT_READ) != 0) return 2;
              return region.mask() == PROT_READ ? 0 : 3;
          }) == 0);
}

TEST_CASE("READ_IMPLIES_EXEC adds nothing to a mask without READ", "[device][prot]") {
    CHECK(in_child([] {
              personality(READ_IMPLIES_EXEC);
              Region region;
              if (region.set_mask(PROT_WRITE) != 0) return 1;
              return region.mask() == PROT_WRITE ? 0 : 2;
          }) == 0);
}

TEST_CASE("every access that the mask lacks is EPERM at mmap", "[device][prot]") {
    for (int mask = 0; mask <= rwx; ++mask) {
        for (int prot = 0; prot <= rwx; ++prot) {
            INFO("mask " << mask << ", map " << prot);
            Region region = Region::of_pages(1);
            REQUIRE(region.set_mask(static_cast<unsigned long>(mask)) == 0);
            CHECK(region.try_map(page_size(), prot) == ((prot & ~mask) ? -EPERM : 0));
        }
    }
}

TEST_CASE("a private map is held to the mask too", "[device][prot]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    CHECK(region.try_map(page_size(), rw, MAP_PRIVATE) == -EPERM);
    CHECK(region.try_map(page_size(), PROT_READ, MAP_PRIVATE) == 0);
}

TEST_CASE("with an empty mask only PROT_NONE maps", "[device][prot]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_mask(PROT_NONE) == 0);
    CHECK(region.try_map(page_size(), PROT_NONE) == 0);
    CHECK(region.try_map(page_size(), PROT_READ) == -EPERM);
}

TEST_CASE("mprotect can't add what the mask lacks", "[device][prot]") {
    for (int mask = 0; mask <= rwx; ++mask) {
        Region region = Region::of_pages(1);
        REQUIRE(region.set_mask(static_cast<unsigned long>(mask)) == 0);
        Map map = region.map_pages(1, PROT_NONE);
        for (int prot = 0; prot <= rwx; ++prot) {
            INFO("mask " << mask << ", mprotect " << prot);
            CHECK(outcome(mprotect(map.address(), map.size(), prot)) ==
                  ((prot & ~mask) ? -EACCES : 0));
        }
    }
}

TEST_CASE("mprotect can't add to a private map what the mask lacks", "[device][prot]") {
    for (int mask = 0; mask <= rwx; ++mask) {
        Region region = Region::of_pages(1);
        REQUIRE(region.set_mask(static_cast<unsigned long>(mask)) == 0);
        Map map = region.map(page_size(), PROT_NONE, MAP_PRIVATE);
        for (int prot = 0; prot <= rwx; ++prot) {
            INFO("mask " << mask << ", mprotect " << prot);
            CHECK(outcome(mprotect(map.address(), map.size(), prot)) ==
                  ((prot & ~mask) ? -EACCES : 0));
        }
    }
}

TEST_CASE("narrowing the mask leaves maps that exist as they are", "[device][prot]") {
    Region region = Region::of_pages(1);
    Map writable = region.map_pages(1);
    Map readable = region.map_pages(1, PROT_READ);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    writable[0] = 9;
    CHECK(readable[0] == 9);
    CHECK(outcome(mprotect(readable.address(), readable.size(), rw)) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so on a small machine with swap: what it does by itself when
// memory is short. The driver's claims and tests/consumer/device.c have the rest.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

// How often all memory is taken: the kernel looks at stalls every two seconds.
constexpr int patience = 20;

} // namespace

TEST_CASE("a preloaded program purges what it unpinned when memory is short", "[preload]") {
    const std::size_t size = 32 * mib;
    const Region unpinned = Region::of_pages(size / page_size());
    const Region pinned = Region::of_pages(size / page_size());
    const Map lost = unpinned.map(size), kept = pinned.map(size);
    lost.fill(0xcd);
    kept.fill(0xcd);
    REQUIRE(unpinned.unpin(0, 0) == 0);
    CHECK(squeeze_until([&] { return lost[0] == 0; }, patience));
    CHECK(unpinned.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(lost.holds(0));
    CHECK(pinned.pin(0, 0) == ASHMEM_NOT_PURGED);
    CHECK(kept.holds(0xcd));
}

TEST_CASE("a holder that is killed lets go of a region's lock", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    for (int i = 0; i < rounds(200); ++i) {
        Child busy([&] {
            for (;;) {
                region.unpin(0, 0);
                region.pin(0, 0);
            }
            return 0;
        });
        usleep(1000);
        busy.kill();
        CHECK(region.pin(0, 0) >= 0);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Ranges in greater number than the driver takes in one go.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

// Every other page of a region, from the first on, is a range of its own once it is unpinned.
struct Ranges {
    explicit Ranges(std::size_t ranges)
        : count(ranges), region(Region::of_pages(2 * count)), map(region.map_pages(2 * count)) {}
    void write(std::size_t range, unsigned char byte) const { map[2 * range * page_size()] = byte; }
    [[nodiscard]] unsigned char byte(std::size_t range) const {
        return map[2 * range * page_size()];
    }
    [[nodiscard]] bool unpin() const {
        for (std::size_t range = 0; range < count; ++range)
            if (region.unpin_pages(2 * range) != 0) return false;
        return true;
    }
    [[nodiscard]] bool gone() const {
        for (std::size_t range = 0; range < count; ++range)
            if (byte(range) != 0) return false;
        return true;
    }
    [[nodiscard]] std::size_t pin_those_purged() const {
        std::size_t purged = 0;
        for (std::size_t range = 0; range < count; ++range)
            purged += region.pin_pages(2 * range) == ASHMEM_WAS_PURGED ? 1 : 0;
        return purged;
    }
    std::size_t count;
    Region region;
    Map map;
};

// Each turn of reclaim takes only so many, and leaves the punches to others.
void reclaim_all_of(const Ranges& ranges) {
    for (int i = 0; i < 1000 && !ranges.gone(); ++i)
        REQUIRE(write_file("/proc/sys/vm/drop_caches", "2") == 0);
    REQUIRE(ranges.gone());
}

} // namespace

TEST_CASE("one PIN takes in thousands of unpinned ranges", "[device][pin]") {
    const Ranges ranges(3000);
    REQUIRE(ranges.unpin());
    CHECK(ranges.region.pin_pages(1, 2 * ranges.count - 1) == ASHMEM_NOT_PURGED);
    CHECK(ranges.region.status_pages(0) == ASHMEM_IS_UNPINNED);
    CHECK(ranges.region.status_pages(1, 2 * ranges.count - 1) == ASHMEM_IS_PINNED);
}

TEST_CASE("reclaim purges thousands of single pages and none between them", "[device][purge]") {
    // more than it looks at to tell how much there is
    const Ranges ranges(5000);
    for (std::size_t range = 0; range < ranges.count; ++range) {
        ranges.write(range, 1);
        ranges.map[(2 * range + 1) * page_size()] = 2;
    }
    REQUIRE(ranges.unpin());
    reclaim_all_of(ranges);
    CHECK(ranges.pin_those_purged() == ranges.count);
    std::size_t wrong = 0;
    for (std::size_t range = 0; range < ranges.count; ++range)
        if (ranges.byte(range) != 0 || ranges.map[(2 * range + 1) * page_size()] != 2) ++wrong;
    CHECK(wrong == 0);
}

TEST_CASE("reclaim marks ranges without pages on its way to those with some", "[device][purge]") {
    // many in one region, with one among them that was purged before and one that holds something,
    const Ranges many(2000);
    REQUIRE(many.region.unpin_pages(14) == 0);
    REQUIRE(many.region.purge_all() == 1);
    many.write(many.count - 1, 1);
    REQUIRE(many.unpin());
    // and one in each of many regions
    std::vector<Ranges> singles;
    for (int i = 0; i < 300; ++i) {
        singles.emplace_back(1);
        REQUIRE(singles.back().unpin());
    }
    const Ranges behind(16);
    for (std::size_t range = 0; range < behind.count; ++range)
        behind.write(range, 1);
    REQUIRE(behind.unpin());
    reclaim_all_of(behind);
    CHECK(behind.pin_those_purged() == behind.count);
    CHECK(many.pin_those_purged() == many.count);
    CHECK(many.byte(many.count - 1) == 0);
    std::size_t purged = 0;
    for (const Ranges& each : singles)
        purged += each.pin_those_purged();
    CHECK(purged == singles.size());
}

TEST_CASE("a region of thousands of ranges closes as they are purged", "[device][race]") {
    const auto before = slab_objects("ashmem_range");
    std::atomic<bool> stop{false};
    std::thread purger([&] {
        for (const Region any; !stop;)
            any.purge_all();
    });
    int failed = 0;
    for (int round = 0; round < rounds(20); ++round)
        if (!Ranges(3000).unpin()) ++failed;
    stop = true;
    purger.join();
    CHECK(failed == 0);
    CHECK(Region().purge_all() == 0);
    // not counted: what a CPU keeps to use again
    CHECK(slab_objects("ashmem_range") <= before + 64);
}

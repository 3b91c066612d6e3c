// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: the state that a region's holders share, its limits, and what a
// holder that writes nonsense there can do to others.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/preloaded_state.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr std::uint32_t max_ranges = ashmem::preload::max_ranges;

// as many ranges as there can be, each of one page with another after it, but the last, which
// is of three
std::vector<Range> all_ranges() {
    std::vector<Range> ranges;
    ranges.reserve(max_ranges);
    for (std::uint64_t i = 0; i < max_ranges; ++i)
        ranges.push_back({2 * i, 2 * i, 1 + i, 0});
    ranges.back().last += 2;
    return ranges;
}

constexpr std::size_t last_range = std::size_t{2} * (max_ranges - 1);

} // namespace

TEST_CASE("pages unpinned in a row are one range while nothing else is unpinned", "[preload]") {
    const Region region = Region::of_pages(8);
    const Map map = region.map_pages(8);
    const StoredState state(region);
    for (std::size_t page = 0; page < 3; ++page)
        REQUIRE(region.unpin_pages(page) == 0);
    CHECK(state.head().count == 1);
    // not in a row
    REQUIRE(region.unpin_pages(4) == 0);
    CHECK(state.head().count == 2);
    // in a row with the range before the last, which keeps its age
    REQUIRE(region.unpin_pages(3) == 0);
    CHECK(state.head().count == 3);
    CHECK(region.pin_pages(0, 8) == ASHMEM_NOT_PURGED);
    CHECK(state.head().count == 0);
}

TEST_CASE("ranges that were purged become one when they touch", "[preload]") {
    const Region region = Region::of_pages(8);
    const Map map = region.map_pages(8);
    const StoredState state(region);
    for (const std::size_t page : {0, 1, 4}) {
        REQUIRE(region.unpin_pages(page) == 0);
        REQUIRE(region.purge_all() >= 0);
    }
    // one that was purged is not added to, and a purge joins nothing
    CHECK(state.head().count == 3);
    // with both neighbours, of which one does not touch
    REQUIRE(region.unpin_pages(1, 2) == 0);
    CHECK(state.head().count == 2);
    // with the one above
    REQUIRE(region.unpin_pages(2, 2) == 0);
    CHECK(state.head().count == 1);
    // a page that was not purged yet is still to be
    REQUIRE(region.unpin_pages(5) == 0);
    CHECK(state.head().count == 2);
    CHECK(region.pin_pages(5) == ASHMEM_NOT_PURGED);
    // but not one that is added to what was
    REQUIRE(region.unpin_pages(4, 2) == 0);
    CHECK(state.head().count == 1);
    CHECK(region.pin_pages(5) == ASHMEM_WAS_PURGED);
    CHECK(region.pin_pages(0, 5) == ASHMEM_WAS_PURGED);
}

TEST_CASE("a range that was purged becomes one with none that was not", "[preload]") {
    const Region region = Region::of_pages(8);
    const Map map = region.map_pages(8);
    const StoredState state(region);
    REQUIRE(region.unpin_pages(2) == 0);
    REQUIRE(region.purge_all() >= 0);
    map.fill(1);
    REQUIRE(region.unpin_pages(1) == 0);
    REQUIRE(region.unpin_pages(4) == 0);
    // it grows until it touches those
    REQUIRE(region.unpin_pages(2, 2) == 0);
    CHECK(state.head().count == 3);
    CHECK(region.purge_all() <= 2);
    CHECK(map.holds(page_size(), page_size(), 0));
    CHECK(map.holds(2 * page_size(), 2 * page_size(), 1));
}

TEST_CASE("beyond the limit of ranges UNPIN and PIN are ENOMEM, unless they make none",
          "[preload]") {
    const Region region = Region::of_pages(2 * std::size_t{max_ranges} + 8);
    // more than some machine's memory
    const Map map = region.map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
    const StoredState state(region);
    state.set_ranges(all_ranges());
    CHECK(region.unpin_pages(last_range + 4) == -ENOMEM);
    CHECK(region.pin_pages(last_range + 1) == -ENOMEM);
    CHECK(region.status_pages(last_range + 1) == ASHMEM_IS_UNPINNED);
    CHECK(region.unpin_pages(0) == 0);
    CHECK(state.head().count == max_ranges);
    // one becomes shorter, one goes, and then there is room for one more
    CHECK(region.pin_pages(last_range) == ASHMEM_NOT_PURGED);
    CHECK(region.pin_pages(0) == ASHMEM_NOT_PURGED);
    CHECK(state.head().count == max_ranges - 1);
    CHECK(region.unpin_pages(last_range + 4) == 0);
}

TEST_CASE("a count of ranges that can't be is EIO, and tells of the rest", "[preload]") {
    const Region region = Region::of_pages(2);
    const Map map = region.map_pages(2);
    REQUIRE(region.set_name("name") == -EINVAL);
    const StoredState state(region);
    for (const std::uint32_t count : {max_ranges + 1, std::uint32_t{UINT32_MAX}}) {
        state.set_count(count);
        CHECK(region.pin(0, 0) == -EIO);
        CHECK(region.unpin(0, 0) == -EIO);
        CHECK(region.try_map(page_size()) == -EIO);
        CHECK(outcome(lseek(region.fd(), 0, SEEK_SET)) == -EIO);
        CHECK(region.size() == static_cast<long>(2 * page_size()));
    }
    state.set_count(0);
    CHECK(region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("a purge passes over ranges that can't be", "[preload]") {
    const Region wrong = Region::of_pages(4), right = Region::of_pages(4);
    const Map wrong_map = wrong.map_pages(4), map = right.map_pages(4);
    wrong_map.fill(1);
    map.fill(1);
    const std::uint64_t beyond = std::numeric_limits<std::uint64_t>::max();
    StoredState(wrong).set_ranges({{3, 2, 1, 0}, {4, beyond, 2, 0}, {beyond - 1, beyond, 3, 0}});
    REQUIRE(right.unpin(0, 0) == 0);
    CHECK(right.purge_all() >= 0);
    CHECK(map.holds(0));
    CHECK(wrong_map.holds(1));
    // the state is still there
    CHECK(wrong.size() == static_cast<long>(4 * page_size()));
}

TEST_CASE("sizes beyond what an int holds are told as libc tells the kernel's answer",
          "[preload]") {
    struct {
        long size, told;
    } const sizes[] = {{-1, -1}, {-4095, -4095}, {-4096, -4096}, {-100000, -100000}};
    for (const auto& [size, told] : sizes) {
        const Region region;
        REQUIRE(region.set_size(static_cast<std::size_t>(size)) == 0);
        errno = 0;
        const int answer = ::ioctl(region.fd(), ASHMEM_GET_SIZE, 0);
        // the last 4095 are errnos
        if (size >= -4095) {
            CHECK(answer == -1);
            CHECK(errno == -told);
        } else {
            CHECK(answer == told);
        }
        CHECK(region.try_map(page_size()) < 0);
    }
}

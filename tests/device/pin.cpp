// SPDX-License-Identifier: Apache-2.0
// PIN, UNPIN and GET_PIN_STATUS: arguments and ranges.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr unsigned long pin_commands[] = {ASHMEM_PIN, ASHMEM_UNPIN, ASHMEM_GET_PIN_STATUS};

// a mapped region of so many pages
struct Mapped {
    explicit Mapped(std::size_t pages)
        : region(Region::of_pages(pages)), map(region.map_pages(pages)) {}
    long call(unsigned long command, std::uint64_t offset, std::uint64_t length) const {
        const ashmem_pin range{static_cast<__u32>(offset), static_cast<__u32>(length)};
        return region.ioctl(command, &range);
    }
    Region region;
    Map map;
};

} // namespace

TEST_CASE("pin calls before the first map are EINVAL", "[device][pin]") {
    Region region = Region::of_pages(1);
    CHECK(region.pin(0, 0) == -EINVAL);
    CHECK(region.unpin(0, 0) == -EINVAL);
    CHECK(region.status(0, 0) == -EINVAL);
}

TEST_CASE("pin calls with a bad pointer are EFAULT, mapped or not", "[device][pin]") {
    Region region = Region::of_pages(1);
    for (auto command : pin_commands)
        CHECK(region.ioctl(command) == -EFAULT);
    Map map = region.map_pages(1);
    for (auto command : pin_commands)
        CHECK(region.ioctl(command) == -EFAULT);
}

TEST_CASE("a struct that runs into an unmapped page is EFAULT", "[device][pin]") {
    Mapped m(1);
    EdgePage edge;
    for (auto command : pin_commands) {
        CHECK(m.region.ioctl(command, edge.last(sizeof(ashmem_pin) - 1)) == -EFAULT);
        char* fits = edge.last(sizeof(ashmem_pin));
        std::memset(fits, 0, sizeof(ashmem_pin));
        CHECK(m.region.ioctl(command, fits) >= 0);
    }
}

TEST_CASE("an unaligned offset or length is EINVAL", "[device][pin]") {
    Mapped m(4);
    const auto page = page_size();
    for (auto command : pin_commands) {
        CHECK(m.call(command, 1, page) == -EINVAL);
        CHECK(m.call(command, 0, page - 1) == -EINVAL);
        CHECK(m.call(command, page / 2, page / 2) == -EINVAL);
        CHECK(m.call(command, page + 1, 0) == -EINVAL);
        CHECK(m.call(command, 0, 1) == -EINVAL);
    }
    CHECK(m.region.status(0, 0) == ASHMEM_IS_PINNED);
}

TEST_CASE("a range past the page-rounded size is EINVAL", "[device][pin]") {
    Mapped m(4);
    const auto page = page_size();
    for (auto command : pin_commands) {
        CHECK(m.call(command, 0, 5 * page) == -EINVAL);
        CHECK(m.call(command, 3 * page, 2 * page) == -EINVAL);
        CHECK(m.call(command, 4 * page, page) == -EINVAL);
        CHECK(m.call(command, 5 * page, 0) == -EINVAL);
        CHECK(m.call(command, 3 * page, page) >= 0);
    }
}

TEST_CASE("a range that wraps is EINVAL", "[device][pin]") {
    Mapped m(4);
    const auto page = page_size();
    const std::uint64_t top = (std::uint64_t{1} << 32) - page;
    for (auto command : pin_commands) {
        CHECK(m.call(command, page, top) == -EINVAL);
        CHECK(m.call(command, top, page) == -EINVAL);
        CHECK(m.call(command, top, top) == -EINVAL);
        CHECK(m.call(command, top, 0) == -EINVAL);
    }
}

TEST_CASE("length 0 means to the end", "[device][pin]") {
    Mapped m(4);
    CHECK(m.region.unpin(static_cast<std::uint32_t>(page_size()), 0) == 0);
    CHECK(m.region.status_pages(0) == ASHMEM_IS_PINNED);
    for (std::size_t page = 1; page < 4; ++page)
        CHECK(m.region.status_pages(page) == ASHMEM_IS_UNPINNED);
}

TEST_CASE("the end is that of the page-rounded size", "[device][pin]") {
    Region region;
    REQUIRE(region.set_size(page_size() + 1) == 0);
    Map map = region.map_pages(2);
    CHECK(region.unpin_pages(1) == 0);
    CHECK(region.status_pages(1) == ASHMEM_IS_UNPINNED);
    CHECK(region.pin(0, 0) == ASHMEM_NOT_PURGED);
    CHECK(region.status_pages(1) == ASHMEM_IS_PINNED);
}

TEST_CASE("an empty range at the very end does nothing", "[device][pin]") {
    Mapped m(2);
    const auto end = static_cast<std::uint32_t>(2 * page_size());
    CHECK(m.region.unpin(end, 0) == 0);
    // the original's last page read as unpinned after this
    CHECK(m.region.status_pages(1) == ASHMEM_IS_PINNED);
    CHECK(m.region.status(0, 0) == ASHMEM_IS_PINNED);
    CHECK(m.region.fdinfo_number("unpinned") == 0);
    CHECK(m.region.pin(end, 0) == ASHMEM_NOT_PURGED);
    CHECK(m.region.status(end, 0) == ASHMEM_IS_PINNED);
}

TEST_CASE("a region is born pinned", "[device][pin]") {
    CHECK(Mapped(4).region.status(0, 0) == ASHMEM_IS_PINNED);
}

TEST_CASE("PIN of pages never unpinned answers 0", "[device][pin]") {
    CHECK(Mapped(4).region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("UNPIN of unpinned pages answers 0", "[device][pin]") {
    Mapped m(4);
    CHECK(m.region.unpin(0, 0) == 0);
    CHECK(m.region.unpin(0, 0) == 0);
    CHECK(m.region.unpin_pages(1, 2) == 0);
    CHECK(m.region.purge_all() == 4);
}

TEST_CASE("GET_PIN_STATUS is 0 if any page is unpinned", "[device][pin]") {
    Mapped m(8);
    REQUIRE(m.region.unpin_pages(3) == 0);
    CHECK(m.region.status(0, 0) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(0, 3) == ASHMEM_IS_PINNED);
    CHECK(m.region.status_pages(0, 4) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(3, 1) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(3, 5) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(4, 4) == ASHMEM_IS_PINNED);
}

TEST_CASE("pinning the middle of an unpinned range leaves two", "[device][pin]") {
    Mapped m(9);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(m.region.pin_pages(3, 3) == ASHMEM_NOT_PURGED);
    CHECK(m.region.status_pages(0, 3) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(3, 3) == ASHMEM_IS_PINNED);
    CHECK(m.region.status_pages(6, 3) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.purge_all() == 6);
}

TEST_CASE("pinning either end of an unpinned range leaves the rest", "[device][pin]") {
    Mapped m(6);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(m.region.pin_pages(0, 2) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(4, 2) == ASHMEM_NOT_PURGED);
    for (std::size_t page = 0; page < 6; ++page)
        CHECK(m.region.status_pages(page) ==
              (page == 2 || page == 3 ? ASHMEM_IS_UNPINNED : ASHMEM_IS_PINNED));
}

TEST_CASE("one PIN takes in many unpinned ranges", "[device][pin]") {
    Mapped m(32);
    for (std::size_t page = 0; page < 32; page += 2)
        REQUIRE(m.region.unpin_pages(page) == 0);
    CHECK(m.region.pin_pages(1, 30) == ASHMEM_NOT_PURGED);
    CHECK(m.region.status_pages(0) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.status_pages(1, 31) == ASHMEM_IS_PINNED);
}

TEST_CASE("unpinning over unpinned ranges merges them", "[device][pin]") {
    Mapped m(10);
    REQUIRE(m.region.unpin_pages(1, 2) == 0);
    REQUIRE(m.region.unpin_pages(5, 2) == 0);
    CHECK(m.region.unpin_pages(2, 4) == 0);
    CHECK(m.region.status_pages(0) == ASHMEM_IS_PINNED);
    CHECK(m.region.status_pages(7, 3) == ASHMEM_IS_PINNED);
    CHECK(m.region.purge_all() == 6);
}

TEST_CASE("a region has so many ranges at the most, and PIN works there too", "[device][pin]") {
    const std::size_t most = std::size_t{1} << 17;
    const std::uint64_t size = (2 * most + 8) * page_size();
    Region region;
    REQUIRE(region.set_size(size) == 0);
    Map map = region.map(size, rw, MAP_SHARED | MAP_NORESERVE);
    REQUIRE(region.unpin_pages(0, 3) == 0);
    REQUIRE(region.fdinfo_number("unpinned") == 3 * page_size());
    // With larger pages offsets of 32 bits can't name that many ranges.
    const std::size_t nameable = (std::uint64_t{1} << 32) / page_size() / 2 - 1;
    std::size_t ranges = 1;
    while (ranges < std::min(most, nameable) && region.unpin_pages(2 + 2 * ranges) == 0)
        ++ranges;
    CHECK(ranges == std::min(most, nameable));
    if (nameable < most) return;
    CHECK(region.unpin_pages(2 * most + 4) == -ENOMEM);
    CHECK(region.status_pages(2 * most + 4) == ASHMEM_IS_PINNED);
    // no split is possible: the remainder is pinned with the page
    CHECK(region.pin_pages(1) == ASHMEM_NOT_PURGED);
    CHECK(region.status_pages(0) != region.status_pages(2));
    CHECK(region.fdinfo_number("unpinned") == most * page_size());
    // purged pages must be reported, so they cannot be pinned as a remainder
    REQUIRE(region.pin_pages(0, 3) == ASHMEM_NOT_PURGED);
    REQUIRE(region.unpin_pages(0, 3) == 0);
    REQUIRE(region.purge_all() == static_cast<long>(most + 2));
    CHECK(region.pin_pages(1) == ASHMEM_WAS_PURGED);
    CHECK(region.pin_pages(0) == ASHMEM_WAS_PURGED);
    CHECK(region.pin_pages(2) == ASHMEM_WAS_PURGED);
    CHECK(region.unpin(0, 0) == 0);
    CHECK(region.fdinfo_number("unpinned") == size);
}

TEST_CASE("pin state is the region's, not the process's", "[device][pin]") {
    Mapped m(2);
    REQUIRE(in_child([&] { return m.region.unpin_pages(0) == 0 ? 0 : 1; }) == 0);
    CHECK(m.region.status_pages(0) == ASHMEM_IS_UNPINNED);
}

TEST_CASE("a read-only descriptor may pin and unpin", "[device][pin]") {
    Region region(O_RDONLY | O_CLOEXEC);
    REQUIRE(region.set_size(page_size()) == 0);
    Map map = region.map(page_size(), PROT_READ);
    CHECK(region.unpin(0, 0) == 0);
    CHECK(region.status(0, 0) == ASHMEM_IS_UNPINNED);
    CHECK(region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("UNPIN without WRITE in the mask answers 0 and does nothing", "[device][pin]") {
    for (unsigned long mask : {0UL, 1UL, 4UL, 5UL}) {
        Mapped m(2);
        m.map.fill(1);
        REQUIRE(m.region.set_mask(mask) == 0);
        CHECK(m.region.unpin(0, 0) == 0);
        CHECK(m.region.status(0, 0) == ASHMEM_IS_PINNED);
        CHECK(m.region.purge_all() == 0);
        CHECK(m.map.holds(1));
    }
}

TEST_CASE("UNPIN without WRITE in the mask still checks its arguments", "[device][pin]") {
    Mapped m(2);
    REQUIRE(m.region.set_mask(PROT_READ) == 0);
    CHECK(m.region.unpin(1, 0) == -EINVAL);
    CHECK(m.region.unpin_pages(0, 3) == -EINVAL);
    CHECK(m.region.ioctl(ASHMEM_UNPIN) == -EFAULT);
}

TEST_CASE("what was unpinned before the mask lost WRITE can be pinned", "[device][pin]") {
    Mapped m(2);
    REQUIRE(m.region.unpin_pages(0) == 0);
    REQUIRE(m.region.set_mask(PROT_READ) == 0);
    REQUIRE(m.region.purge_all() == 1);
    CHECK(m.region.pin_pages(0) == ASHMEM_WAS_PURGED);
    CHECK(m.region.status(0, 0) == ASHMEM_IS_PINNED);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("beyond 4 GiB a length of 0 reaches the region's end", "[device][pin]") {
    const std::size_t size = std::size_t{6} << 30;
    Region region;
    REQUIRE(region.set_size(size) == 0);
    Map map = region.map(size, rw, MAP_SHARED | MAP_NORESERVE);
    REQUIRE(region.unpin(0, 0) == 0);
    CHECK(region.fdinfo_number("unpinned") == size);
    CHECK(region.pin(0, 0) == ASHMEM_NOT_PURGED);
    CHECK(region.fdinfo_number("unpinned") == 0);
}

TEST_CASE("a region of exactly 4 GiB unpins all its pages and counts them", "[device][pin]") {
    // in the original they counted as none, but were purged
    const std::size_t size = std::size_t{1} << 32;
    Region region;
    REQUIRE(region.set_size(size) == 0);
    Map map = region.map(size, rw, MAP_SHARED | MAP_NORESERVE);
    REQUIRE(region.unpin(0, 0) == 0);
    CHECK(region.fdinfo_number("unpinned") == size);
    CHECK(region.purge_all() == static_cast<long>(size / page_size()));
    CHECK(region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("the last page below 4 GiB can be pinned by itself", "[device][pin]") {
    const std::size_t size = std::size_t{1} << 32;
    Region region;
    REQUIRE(region.set_size(size) == 0);
    Map map = region.map(size, rw, MAP_SHARED | MAP_NORESERVE);
    const std::size_t last = size / page_size() - 1;
    CHECK(region.unpin_pages(last) == 0);
    CHECK(region.status_pages(last) == ASHMEM_IS_UNPINNED);
    CHECK(region.fdinfo_number("unpinned") == page_size());
}
#endif

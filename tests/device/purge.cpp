// SPDX-License-Identifier: Apache-2.0
// Purging by PURGE_ALL_CACHES and by the shrinker, and PIN's answers.
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

// The kernel uses huge pages wherever it can. Only a real-time kernel has none.
class AllHugePages {
public:
    AllHugePages() {
        if (!exist()) {
            utsname system{};
            uname(&system);
            REQUIRE(std::strstr(system.version, "PREEMPT_RT"));
            return;
        }
        const std::string text = read_file(knob_);
        const auto start = text.find('[') + 1;
        before_ = text.substr(start, text.find(']') - start);
        REQUIRE(write_file(knob_, "always") == 0);
    }
    AllHugePages(const AllHugePages&) = delete;
    AllHugePages& operator=(const AllHugePages&) = delete;
    ~AllHugePages() {
        if (exist()) write_file(knob_, before_);
    }
    [[nodiscard]] bool exist() const { return access(knob_.c_str(), F_OK) == 0; }
    [[nodiscard]] std::size_t size() const {
        if (!exist()) return page_size();
        return std::stoul(read_file("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));
    }

private:
    const std::string knob_ = "/sys/kernel/mm/transparent_hugepage/enabled";
    std::string before_;
};

struct Mapped {
    explicit Mapped(std::size_t pages)
        : region(Region::of_pages(pages)), map(region.map_pages(pages)) {
        map.fill(0xee);
    }
    bool page_holds(std::size_t page, unsigned char byte) const {
        return map.holds(page * page_size(), page_size(), byte);
    }
    Region region;
    Map map;
};

} // namespace

TEST_CASE("PURGE_ALL_CACHES with nothing unpinned answers 0", "[device][purge]") {
    Mapped m(4);
    CHECK(m.region.purge_all() == 0);
    CHECK(m.map.holds(0xee));
}

TEST_CASE("PURGE_ALL_CACHES answers the pages that were purgeable before", "[device][purge]") {
    Mapped a(8), b(8);
    REQUIRE(a.region.unpin_pages(0, 3) == 0);
    REQUIRE(b.region.unpin_pages(2, 4) == 0);
    CHECK(Region().purge_all() == 7);
    CHECK(Region().purge_all() == 0);
}

TEST_CASE("PURGE_ALL_CACHES without CAP_SYS_ADMIN is EPERM and purges nothing", "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(in_child([&] {
              drop_capabilities();
              return m.region.purge_all() == -EPERM ? 0 : 1;
          }) == 0);
    CHECK(m.map.holds(0xee));
    CHECK(m.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("root of a user namespace gets EPERM from PURGE_ALL_CACHES and purges nothing",
          "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(in_child([&] {
              become_root_of_namespace();
              return m.region.purge_all() == -EPERM ? 0 : 1;
          }) == 0);
    CHECK(m.map.holds(0xee));
    CHECK(m.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("a user without rights gets EPERM from PURGE_ALL_CACHES", "[device][purge]") {
    Region region;
    CHECK(in_child([&] {
              become_nobody();
              return region.purge_all() == -EPERM ? 0 : 1;
          }) == 0);
}

TEST_CASE("a purge zeroes unpinned pages and leaves pinned ones", "[device][purge]") {
    Mapped m(8);
    REQUIRE(m.region.unpin_pages(2, 3) == 0);
    REQUIRE(m.region.purge_all() == 3);
    for (std::size_t page = 0; page < 8; ++page)
        CHECK(m.page_holds(page, page >= 2 && page < 5 ? 0 : 0xee));
}

TEST_CASE("a purge is seen by every map of the region", "[device][purge]") {
    Mapped m(2);
    Map other = m.region.map_pages(2, PROT_READ);
    REQUIRE(other.holds(0xee));
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == 2);
    CHECK(other.holds(0));
}

TEST_CASE("a purge gives the memory back", "[device][purge]") {
    const std::size_t pages = (std::size_t{64} << 20) / page_size();
    Mapped m(pages);
    const auto before = meminfo("Shmem");
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == static_cast<long>(pages));
    CHECK(meminfo("Shmem") + (std::uint64_t{60} << 20) < before);
}

TEST_CASE("a purged page reads as a hole", "[device][purge]") {
    Mapped m(2);
    REQUIRE(m.region.unpin_pages(0) == 0);
    REQUIRE(m.region.purge_all() == 1);
    const auto page = static_cast<long>(page_size());
    CHECK(outcome(lseek(m.region.fd(), 0, SEEK_DATA)) == page);
}

TEST_CASE("PIN answers 1 once for a purged range", "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == 4);
    CHECK(m.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(m.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("PIN answers 0 for a range that was unpinned and not purged", "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(m.region.pin(0, 0) == ASHMEM_NOT_PURGED);
    CHECK(m.map.holds(0xee));
}

TEST_CASE("what was pinned again before the purge is kept", "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.pin_pages(1, 2) == ASHMEM_NOT_PURGED);
    REQUIRE(m.region.purge_all() == 2);
    CHECK(m.page_holds(1, 0xee));
    CHECK(m.page_holds(2, 0xee));
    CHECK(m.region.pin_pages(1, 2) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(0) == ASHMEM_WAS_PURGED);
    CHECK(m.region.pin_pages(3) == ASHMEM_WAS_PURGED);
}

TEST_CASE("PIN answers 1 if any page of its range was purged", "[device][purge]") {
    Mapped m(8);
    REQUIRE(m.region.unpin_pages(3) == 0);
    REQUIRE(m.region.purge_all() == 1);
    CHECK(m.region.pin_pages(0, 3) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(4, 4) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(0, 8) == ASHMEM_WAS_PURGED);
}

TEST_CASE("pinning a part of a purged range clears that part only", "[device][purge]") {
    Mapped m(6);
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == 6);
    CHECK(m.region.pin_pages(2, 2) == ASHMEM_WAS_PURGED);
    CHECK(m.region.pin_pages(2, 2) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(0) == ASHMEM_WAS_PURGED);
    CHECK(m.region.pin_pages(5) == ASHMEM_WAS_PURGED);
    CHECK(m.region.pin_pages(0, 6) == ASHMEM_WAS_PURGED);
}

TEST_CASE("GET_PIN_STATUS does not tell or clear a purge", "[device][purge]") {
    Mapped m(2);
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == 2);
    CHECK(m.region.status(0, 0) == ASHMEM_IS_UNPINNED);
    CHECK(m.region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("a range merged with a purged one counts as purged", "[device][purge]") {
    Mapped m(8);
    REQUIRE(m.region.unpin_pages(0, 4) == 0);
    REQUIRE(m.region.purge_all() == 4);
    REQUIRE(m.region.unpin_pages(2, 6) == 0);
    CHECK(m.region.purge_all() == 0);
    CHECK(m.region.pin_pages(7) == ASHMEM_WAS_PURGED);
    CHECK(m.page_holds(7, 0xee));
}

TEST_CASE("a range beside a purged one does not count as purged", "[device][purge]") {
    Mapped m(8);
    REQUIRE(m.region.unpin_pages(0, 4) == 0);
    REQUIRE(m.region.purge_all() == 4);
    REQUIRE(m.region.unpin_pages(4, 4) == 0);
    CHECK(m.region.pin_pages(4, 4) == ASHMEM_NOT_PURGED);
    CHECK(m.region.pin_pages(0, 4) == ASHMEM_WAS_PURGED);
}

TEST_CASE("data written into a purged range stays until it is unpinned anew", "[device][purge]") {
    Mapped m(2);
    REQUIRE(m.region.unpin(0, 0) == 0);
    REQUIRE(m.region.purge_all() == 2);
    m.map.fill(0x11);
    CHECK(m.region.purge_all() == 0);
    CHECK(m.map.holds(0x11));
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(m.region.purge_all() == 0);
    CHECK(m.map.holds(0x11));
    REQUIRE(m.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    REQUIRE(m.region.unpin(0, 0) == 0);
    CHECK(m.region.purge_all() == 2);
    CHECK(m.map.holds(0));
}

TEST_CASE("closing a region takes its unpinned pages out of the count", "[device][purge]") {
    Mapped stays(2);
    REQUIRE(stays.region.unpin(0, 0) == 0);
    {
        Mapped goes(8);
        REQUIRE(goes.region.unpin(0, 0) == 0);
    }
    CHECK(stays.region.purge_all() == 2);
}

TEST_CASE("pages of a closed region count as pinned while maps live", "[device][purge]") {
    Mapped m(4);
    REQUIRE(m.region.unpin(0, 0) == 0);
    m.region.close();
    CHECK(Region().purge_all() == 0);
    CHECK(m.map.holds(0xee));
}

TEST_CASE("pages of a private map are never purged", "[device][purge]") {
    Region region = Region::of_pages(2);
    Map map = region.map(2 * page_size(), rw, MAP_PRIVATE);
    map.fill(1);
    REQUIRE(region.unpin(0, 0) == 0);
    CHECK(region.purge_all() == 2);
    CHECK(map.holds(1));
    CHECK(region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("huge pages of a private map survive a purge and MADV_REMOVE", "[device][purge]") {
    // they are anonymous memory, in a map that has the region's file for a name
    const AllHugePages huge_pages;
    const std::size_t size = 4 * huge_pages.size();
    Region region;
    REQUIRE(region.set_size(size) == 0);
    Map shared = region.map(size);
    Map alone = region.map(size, rw, MAP_PRIVATE);
    alone.fill(42);
    REQUIRE((own_memory("AnonHugePages") > 0) == huge_pages.exist());
    REQUIRE(region.unpin(0, 0) == 0);
    CHECK(region.purge_all() == static_cast<long>(size / page_size()));
    CHECK(alone.holds(42));
    CHECK(outcome(madvise(shared.address(), size, MADV_REMOVE)) == 0);
    CHECK(alone.holds(42));
}

TEST_CASE("the shrinker purges what is unpinned and nothing else", "[device][purge]") {
    const std::size_t pages = 4096;
    Mapped m(pages);
    REQUIRE(m.region.unpin_pages(0, pages / 2) == 0);
    for (int i = 0; i < 20 && m.map[(pages / 2 - 1) * page_size()] != 0; ++i)
        REQUIRE(write_file("/proc/sys/vm/drop_caches", "2") == 0);
    CHECK(m.map.holds(0, pages / 2 * page_size(), 0));
    CHECK(m.map.holds(pages / 2 * page_size(), pages / 2 * page_size(), 0xee));
    CHECK(m.region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("pages unpinned one after the other become one range", "[device][purge]") {
    // each range is an object of a slab; the original kept one for each call
    const std::size_t pages = 2000;
    Mapped m(pages);
    const auto before = slab_objects("ashmem_range");
    for (std::size_t page = 0; page < pages; ++page)
        REQUIRE(m.region.unpin_pages(page) == 0);
    CHECK(slab_objects("ashmem_range") <= before + 1);
    CHECK(m.region.fdinfo_number("unpinned") == pages * page_size());
}

TEST_CASE("ranges that were purged and touch become one", "[device][purge]") {
    const std::size_t pages = 2000;
    Mapped m(pages);
    const auto before = slab_objects("ashmem_range");
    for (std::size_t page = 0; page < pages; page += 2)
        REQUIRE(m.region.unpin_pages(page) == 0);
    for (std::size_t page = 1; page < pages; page += 2)
        REQUIRE(m.region.unpin_pages(page) == 0);
    CHECK(slab_objects("ashmem_range") >= before + pages);
    REQUIRE(m.region.purge_all() == static_cast<long>(pages));
    // and the spare one that a region keeps
    CHECK(slab_objects("ashmem_range") <= before + 2);
    CHECK(m.region.pin(0, 0) == ASHMEM_WAS_PURGED);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("a vast empty region is no work for reclaim", "[device][purge]") {
    // pages that were never touched hold nothing: visiting each of them would keep
    // reclaim, and the guest, busy for ever
    const std::size_t size = std::size_t{1} << 62;
    Region vast;
    REQUIRE(vast.set_size(size) == 0);
    Map map = vast.map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
    map.fill(1);
    REQUIRE(vast.unpin(0, 0) == 0);
    Mapped behind(4096);
    REQUIRE(behind.region.unpin(0, 0) == 0);
    for (int i = 0; i < 20 && behind.map[0] != 0; ++i)
        REQUIRE(write_file("/proc/sys/vm/drop_caches", "2") == 0);
    CHECK(map.holds(0));
    CHECK(behind.map[0] == 0);
}

TEST_CASE("a purge beyond 4 GiB leaves what is pinned below", "[device][purge]") {
    constexpr std::size_t gib = std::size_t{1} << 30;
    Region region;
    REQUIRE(region.set_size(6 * gib) == 0);
    Map low(region.fd(), 2 * gib, rw, MAP_SHARED | MAP_NORESERVE);
    Map high(region.fd(), 2 * gib, rw, MAP_SHARED | MAP_NORESERVE, 4 * gib);
    low[2 * gib - 1] = 1;
    high[0] = 1;
    high[2 * gib - 1] = 1;
    REQUIRE(region.unpin(0, 0) == 0);
    REQUIRE(region.pin(0, 2 * gib) == ASHMEM_NOT_PURGED);
    region.purge_all();
    CHECK(low[2 * gib - 1] == 1);
    CHECK(high[0] == 0);
    CHECK(high[2 * gib - 1] == 0);
}

TEST_CASE("vast regions can't make the purgeable count overflow", "[device][purge]") {
    std::vector<Region> regions;
    for (int i = 0; i < 300; ++i) {
        regions.emplace_back();
        REQUIRE(regions.back().set_size(std::size_t{1} << 62) == 0);
        Map map = regions.back().map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
        REQUIRE(regions.back().unpin(0, 0) == 0);
    }
    CHECK(regions[0].purge_all() == std::numeric_limits<int>::max());
    CHECK(regions[0].purge_all() == 0);
    for (auto& region : regions)
        CHECK(region.pin_pages(0) == ASHMEM_WAS_PURGED);
}
#endif

// SPDX-License-Identifier: Apache-2.0
// Races with a window of microseconds: two threads' calls meet, round after round, at the
// moment where the outcome turns from one thread's to the other's. A race at random would
// hardly ever hit it.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>

#include "support/partner.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

void purge_by_call(const Region& any) {
    any.purge_all();
}

void purge_by_reclaim(const Region&) {
    write_file("/proc/sys/vm/drop_caches", "2");
}

// Pages unpinned all at once, between pinned ones. No more than reclaim asks for in one
// go, so that its purges end where the range does.
class Edge {
public:
    static constexpr std::size_t before = 2, pages = 100, after = 2;
    static constexpr std::size_t all = before + pages + after;

    explicit Edge(void (*purge)(const Region&))
        : partner_([this, purge] {
              aim_.load()->hold_partner();
              purge(region_);
          }) {}

    // one page of them is pinned by itself as a purge begins
    bool safe(std::size_t page, int times) {
        Aim aim(static_cast<unsigned>(page));
        aim_ = &aim;
        for (int round = 0; round < times || (!aim.met() && round < 100 * times); ++round)
            if (!pin_meets_purge(before + page, aim)) return false;
        return aim.met();
    }

private:
    bool pin_meets_purge(std::size_t page, Aim& aim) {
        for (std::size_t each = 0; each < all; ++each)
            write(each, old_byte);
        if (region_.unpin_pages(before, pages) != 0) return false;
        partner_.start();
        aim.hold_own();
        const long pinned = region_.pin_pages(page);
        if (pinned == ASHMEM_WAS_PURGED) {
            write(page, new_byte);
            aim.came_late();
        } else {
            aim.came_early();
        }
        const unsigned char byte = pinned == ASHMEM_WAS_PURGED ? new_byte : old_byte;
        const bool was_whole = holds(page, byte);
        partner_.wait();
        // no purge of the others is under way after this
        return region_.pin(0, 0) >= 0 && was_whole && whole(page, byte);
    }

    // only both ends of a page are checked: the whole page would take most of a round
    void write(std::size_t page, unsigned char byte) const {
        map_[page * page_size()] = byte;
        map_[(page + 1) * page_size() - 1] = byte;
    }
    bool holds(std::size_t page, unsigned char byte) const {
        return map_[page * page_size()] == byte && map_[(page + 1) * page_size() - 1] == byte;
    }

    bool whole(std::size_t pinned, unsigned char byte) const {
        for (std::size_t page = 0; page < all; ++page) {
            const bool purgeable = page >= before && page < before + pages && page != pinned;
            if (purgeable && holds(page, 0)) continue;
            if (!holds(page, page == pinned ? byte : old_byte)) return false;
        }
        return true;
    }

    static constexpr unsigned char old_byte = 0x11, new_byte = 0x22;
    Region region_ = Region::of_pages(all);
    Map map_ = region_.map_pages(all);
    std::atomic<Aim*> aim_{nullptr};
    Partner partner_;
};

} // namespace

TEST_CASE("a page pinned by itself as PURGE_ALL_CACHES begins is safe, wherever it lies",
          "[device][race][aimed]") {
    Edge edge(purge_by_call);
    for (std::size_t page :
         {std::size_t{0}, Edge::pages - 1, std::size_t{1}, Edge::pages - 2, Edge::pages / 2}) {
        INFO("page " << page << " of " << Edge::pages);
        CHECK(edge.safe(page, std::min(rounds(1000), 200)));
    }
}

TEST_CASE("a page pinned by itself as reclaim begins is safe, wherever it lies",
          "[device][race][aimed]") {
    Edge edge(purge_by_reclaim);
    for (std::size_t page :
         {std::size_t{0}, Edge::pages - 1, std::size_t{1}, Edge::pages - 2, Edge::pages / 2}) {
        INFO("page " << page << " of " << Edge::pages);
        CHECK(edge.safe(page, std::min(rounds(600), 120)));
    }
}

TEST_CASE("a size that races the first map is the file's, or refused", "[device][race][aimed]") {
    const auto page = static_cast<long>(page_size());
    const Region* sized = nullptr;
    long answer = 0;
    std::size_t size = 0;
    Aim aim(1);
    Partner sizer([&] {
        aim.hold_partner();
        answer = sized->set_size(size);
    });
    int different = 0;
    for (int round = 0; round < rounds(10000) || (!aim.met() && round < 10000); ++round) {
        Region region = Region::of_pages(2);
        // larger and smaller ones
        size = page_size() * (round % 2 ? 1 : 5);
        sized = &region;
        sizer.start();
        aim.hold_own();
        const long mapped = region.try_map(page_size());
        sizer.wait();
        REQUIRE(mapped == 0);
        REQUIRE((answer == 0 || answer == -EINVAL));
        // SET_SIZE is early while it succeeds; then the map is late
        answer == 0 ? aim.came_late() : aim.came_early();
        const long end = outcome(lseek(region.fd(), 0, SEEK_END));
        if (region.size() != end || end != (answer == 0 ? static_cast<long>(size) : 2 * page))
            ++different;
    }
    CHECK(aim.met());
    CHECK(different == 0);
}

TEST_CASE("a range that two threads bring for the same pages is not left behind",
          "[device][race][aimed]") {
    // both find that a range is needed and allocate one; the second finds one there
    const auto ranges = slab_objects("ashmem_range");
    std::atomic<bool> fine{true};
    {
        Region region = Region::of_pages(8);
        REQUIRE(region.try_map(page_size()) == 0);
        // so that the region's spare range is in use
        REQUIRE(region.unpin_pages(0) == 0);
        bool unpins = false;
        long jitter = 0;
        const auto call = [&](long turns) {
            spin(turns);
            if ((unpins ? region.unpin_pages(3, 3) : region.pin_pages(4)) < 0) fine = false;
        };
        Partner other([&] { call(-jitter); });
        for (int round = 0; round < rounds(20000); ++round) {
            jitter = (round % 64 - 32) * 50L;
            for (bool unpin : {true, false}) {
                unpins = unpin;
                other.start();
                call(jitter);
                other.wait();
            }
            if (region.pin_pages(3, 3) != ASHMEM_NOT_PURGED) fine = false;
        }
    }
    CHECK(fine);
    CHECK(slab_objects("ashmem_range") == ranges);
}

TEST_CASE("after PURGE_ALL_CACHES all is gone, also what reclaim was purging",
          "[device][race][aimed]") {
    const std::size_t pages = 100;
    Region region = Region::of_pages(pages);
    Map map = region.map_pages(pages);
    Aim aim(1);
    Partner reclaim([&] {
        aim.hold_partner();
        purge_by_reclaim(region);
    });
    int left = 0;
    for (int round = 0; round < std::min(rounds(2000), 400) || (!aim.met() && round < 10000);
         ++round) {
        map.fill(1);
        REQUIRE(region.unpin(0, 0) == 0);
        reclaim.start();
        aim.hold_own();
        const long purged = region.purge_all();
        if (!map.holds(0)) ++left;
        REQUIRE(purged >= 0);
        // none to purge: reclaim had begun
        purged > 0 ? aim.came_early() : aim.came_late();
        reclaim.wait();
        REQUIRE(region.pin(0, 0) == ASHMEM_WAS_PURGED);
    }
    CHECK(aim.met());
    CHECK(left == 0);
}

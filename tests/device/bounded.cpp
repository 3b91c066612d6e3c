// SPDX-License-Identifier: Apache-2.0
// No region keeps reclaim or another thread waiting for long, even one that is made slow
// on purpose.
//
// Run by themselves ([bounded]) in a guest with one processor whose clock counts
// instructions, so that the times do not depend on the machine.
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/steps.hpp"
#include "support/trace.hpp"

using namespace test;

#ifdef __LP64__ // 32-bit programs have no room for such regions

namespace {

constexpr std::size_t most_ranges = 131072;

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Another user's unpinned memory, which must be purged before the machine runs out.
struct Bystander {
    Bystander() : region(Region::of_pages(4 * mib / page_size())), map(region.map(4 * mib)) {}
    [[nodiscard]] int fill_and_unpin() const {
        map.fill(0xcd);
        return region.unpin(0, 0) == 0 ? 0 : 1;
    }
    [[nodiscard]] bool gone() const { return region.fdinfo_number("purged") == map.size(); }
    Region region;
    Map map;
};

// Unpins every other page, first + 1, first + 3 and so on, each a range of its own.
void unpin_every_other(const Region& region, std::size_t ranges) {
    for (std::size_t i = 0; i < ranges; ++i)
        if (region.unpin_pages(2 * i + 1) != 0) throw std::runtime_error("UNPIN failed");
}

// A region whose pages take long to punch out, because it has many maps.
struct Slow {
    explicit Slow(std::size_t ranges, std::size_t maps)
        : region(Region::of_pages(2 * ranges)), map(region.map_pages(2 * ranges)) {
        for (std::size_t i = 0; i < ranges; ++i)
            map[(2 * i + 1) * page_size()] = 1;
        for (std::size_t i = 0; i < maps; ++i)
            more.push_back(region.map_pages(2 * ranges));
        unpin_every_other(region, ranges);
    }
    Region region;
    Map map;
    std::vector<Map> more;
};

// The cost of drop_caches beside what the test has made.
struct Drops {
    // Writes until a condition holds. Returns the number of writes, or most + 1.
    int until(int most, const std::function<bool()>& enough) {
        int count = 0;
        while (count <= most && !enough()) {
            const double start = now();
            write_file("/proc/sys/vm/drop_caches", "2");
            longest = std::max(longest, now() - start);
            ++count;
        }
        return count;
    }
    [[nodiscard]] double longest_call() const {
        const auto calls = trace.calls();
        if (calls.empty()) throw std::runtime_error("reclaim never came to the shrinker");
        return *std::max_element(calls.begin(), calls.end());
    }
    ShrinkerTrace trace;
    double longest = 0;
};

// A thread that repeats something and records the longest time between two completions,
// whether it waited for a lock or for the processor.
class Watch {
public:
    explicit Watch(const std::function<void()>& work)
        : thread_([this, work] {
              for (double last = now(); !stop_; ++times_) {
                  work();
                  const double time = now();
                  longest_ = std::max(longest_, time - last);
                  last = time;
                  std::this_thread::yield();
              }
          }) {}
    ~Watch() { stop(); }
    double stop() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
        return longest_;
    }
    void wait_until_it_runs() const {
        while (times_ < 10)
            std::this_thread::yield();
    }

private:
    std::atomic<bool> stop_{false};
    double longest_ = 0;
    std::atomic<long> times_{0};
    std::thread thread_;
};

} // namespace

TEST_CASE("slow punches hold up neither reclaim nor other regions", "[bounded]") {
    Slow slow(128, 20000);
    Cgroup group("group");
    Bystander here, there;
    REQUIRE(here.fill_and_unpin() == 0);
    REQUIRE(in_child([&] {
                group.join();
                return there.fill_and_unpin();
            }) == 0);
    Drops drops;
    const int count = drops.until(8, [&] { return here.gone() && there.gone(); });
    INFO("longest drop_caches " << drops.longest << " s");
    CHECK(count <= 8);
    CHECK(drops.longest_call() <= 0.2);
    CHECK(drops.longest <= 1);
}

TEST_CASE("slow ranges in great number hold up no other regions", "[bounded]") {
    Slow slow(4096, 10000);
    Bystander here;
    REQUIRE(here.fill_and_unpin() == 0);
    Drops drops;
    // each write should mark many ranges, not one
    const int count = drops.until(16, [&] { return here.gone(); });
    INFO("longest drop_caches " << drops.longest << " s, " << count << " of them");
    CHECK(count <= 16);
    CHECK(drops.longest_call() <= 0.2);
}

TEST_CASE("ranges without pages are no work for reclaim", "[bounded]") {
    const bool pinned_page = GENERATE(false, true);
    CAPTURE(pinned_page);
    const std::size_t each = 100000;
    std::vector<Region> regions;
    for (int i = 0; i < 4; ++i) {
        regions.push_back(Region::of_pages(2 * each));
        Map map = regions.back().map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
        // which lets the region hold something, though nothing to purge
        if (pinned_page) map[0] = 1;
        unpin_every_other(regions.back(), each);
    }
    Bystander behind;
    REQUIRE(behind.fill_and_unpin() == 0);
    Drops drops;
    // each goes through more than a hundred thousand of them
    const int count = drops.until(8, [&] { return behind.gone(); });
    INFO("longest drop_caches " << drops.longest << " s, " << count << " of them");
    CHECK(count <= 8);
    CHECK(drops.longest_call() <= 0.2);
    CHECK(drops.longest <= 1);
}

TEST_CASE("spare ranges are no work for reclaim", "[bounded]") {
    // more than reclaim looks at
    constexpr rlim_t count = 5000;
    const rlimit limit{count + 100, count + 100};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    std::vector<Region> regions;
    for (rlim_t i = 0; i < count; ++i) {
        regions.push_back(Region::of_pages(1));
        regions.back().map_pages(1)[0] = 1;
        REQUIRE(regions.back().unpin(0, 0) == 0);
        REQUIRE(regions.back().pin(0, 0) == ASHMEM_NOT_PURGED);
    }
    // each drops those that it looks at
    (void)Drops().until(3, [] { return false; });
    const Drops drops;
    write_file("/proc/sys/vm/drop_caches", "2");
    const auto offers = drops.trace.offers();
    CHECK(std::all_of(offers.begin(), offers.end(), [](auto pages) { return pages == 0; }));
}

TEST_CASE("PIN makes no more ranges than UNPIN may, and none is held up", "[bounded]") {
    const std::size_t pages = (std::size_t{4} << 30) / page_size();
    Region region = Region::of_pages(pages);
    Map map = region.map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
    const auto before = slab_objects("ashmem_range");
    const auto split = [&] {
        REQUIRE(region.unpin(0, 0) == 0);
        long wrong = 0;
        for (std::size_t page = 1; page < pages; page += 2)
            wrong += region.pin_pages(page) != ASHMEM_NOT_PURGED;
        REQUIRE(wrong == 0);
        // not counted: the objects in one CPU's cache, and the region's spare one
        CHECK(slab_objects("ashmem_range") <= before + most_ranges + 64);
    };
    const auto worst_wait = [&](long (Region::*call)(std::uint32_t, std::uint32_t) const) {
        Watch watch([&] { region.size(); });
        watch.wait_until_it_runs();
        REQUIRE((region.*call)(0, 0) == 0);
        return watch.stop();
    };
    split();
    CHECK(worst_wait(&Region::unpin) <= 0.02);
    CHECK(region.fdinfo_number("unpinned") == pages * page_size());
    split();
    CHECK(worst_wait(&Region::pin) <= 0.02);
    CHECK(region.fdinfo_number("unpinned") == 0);
    split();
    // no descriptor is left to call, so a thread that only needs the processor is timed
    Watch watch([] {});
    watch.wait_until_it_runs();
    region.close();
    CHECK(watch.stop() <= 0.02);
    CHECK(slab_objects("ashmem_range") <= before + 64);
}

#endif

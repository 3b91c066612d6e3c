// SPDX-License-Identifier: Apache-2.0
// Threads and processes that race pin, unpin, purge, map, name and close.
//
// Each test checks an invariant that a single wrong interleaving breaks, and runs for a
// number of rounds, not for a time.
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

// Purges everything unpinned, in both possible ways, until it is stopped.
class Purger {
public:
    Purger()
        : thread_([this] {
              Region any;
              for (unsigned i = 0; !stop_; ++i) {
                  if (i % 4 == 0)
                      write_file("/proc/sys/vm/drop_caches", "2");
                  else
                      purged_ += any.purge_all();
              }
          }) {}
    ~Purger() { stop(); }
    [[nodiscard]] long purged() const { return purged_; }
    long stop() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
        return purged_;
    }

private:
    std::atomic<bool> stop_{false};
    std::atomic<long> purged_{0};
    std::thread thread_;
};

// Unpins and pins pages of its own, and checks what PIN promises: pages that it reports as
// not purged are unchanged, and data written after PIN stays.
bool keeps_pact(const Region& region, const Map& map, std::size_t first, std::size_t count,
                unsigned seed, int times, int* purges) {
    std::mt19937 random(seed);
    const std::size_t from = first * page_size(), length = count * page_size();
    unsigned char byte = static_cast<unsigned char>(seed | 1);
    map.fill(from, length, byte);
    // as many more as it takes to be purged once
    for (int round = 0; round < times || (*purges == 0 && round < 100 * times); ++round) {
        if (region.unpin_pages(first, count) != 0) return false;
        for (unsigned i = random() % 2000; i > 0; --i)
            asm volatile("");
        if (random() % 4 == 0) std::this_thread::yield();
        const long pinned = region.pin_pages(first, count);
        if (pinned < 0) return false;
        if (pinned == ASHMEM_WAS_PURGED) {
            ++*purges;
            byte = static_cast<unsigned char>(random() | 1);
            map.fill(from, length, byte);
        }
        // here a punch shows that comes after PIN's answer
        if (random() % 4 == 0) std::this_thread::yield();
        if (!map.holds(from, length, byte)) return false;
    }
    return true;
}

} // namespace

TEST_CASE("pinned data survives any race of PIN and purge", "[device][race]") {
    Region region = Region::of_pages(64);
    Map map = region.map_pages(64);
    Purger purger;
    std::atomic<bool> kept{true};
    int purges[4] = {};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            if (!keeps_pact(region, map, std::size_t{16} * i, 3 + i, i + 1, rounds(1500),
                            &purges[i]))
                kept = false;
        });
    for (auto& thread : threads)
        thread.join();
    purger.stop();
    CHECK(kept);
    CHECK(purges[0] + purges[1] + purges[2] + purges[3] > 0);
}

TEST_CASE("pinned data survives the race in regions of their own", "[device][race]") {
    Purger purger;
    std::atomic<bool> kept{true};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            Region region = Region::of_pages(16);
            Map map = region.map_pages(16);
            int purges = 0;
            if (!keeps_pact(region, map, 0, 16, i + 1, rounds(700), &purges)) kept = false;
        });
    for (auto& thread : threads)
        thread.join();
    purger.stop();
    CHECK(kept);
}

TEST_CASE("regions close while a purge is under way", "[device][race]") {
    Purger purger;
    std::atomic<bool> fine{true};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < rounds(1500) || (!purger.purged() && round < 100000);
                 ++round) {
                Region region = Region::of_pages(8);
                Map map = region.map_pages(8);
                map.fill(1);
                if (region.unpin(0, 0) != 0) fine = false;
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(fine);
    CHECK(purger.stop() > 0);
    CHECK(Region().purge_all() == 0);
}

TEST_CASE("a purge under way holds up neither other regions nor other pages", "[device][race]") {
    const std::size_t pages = (std::size_t{128} << 20) / page_size();
    Region big = Region::of_pages(pages), other = Region::of_pages(2);
    Map map = big.map_pages(pages), other_map = other.map_pages(2);
    // the purge may end before this thread gets a turn: then try again
    bool overtook = false;
    for (int round = 0; round < 50 && !overtook; ++round) {
        map.fill(1);
        REQUIRE(big.unpin_pages(1, pages - 1) == 0);
        std::atomic<bool> returned{false};
        std::thread purger([&] {
            big.purge_all();
            returned = true;
        });
        while (big.fdinfo_number("purged") == 0)
            std::this_thread::yield();
        REQUIRE(other.unpin_pages(0) == 0);
        REQUIRE(other.try_map(page_size()) == 0);
        REQUIRE(big.unpin_pages(0) == 0);
        REQUIRE(other.pin_pages(0) == ASHMEM_NOT_PURGED);
        REQUIRE(big.pin_pages(0) == ASHMEM_NOT_PURGED);
        overtook = !returned;
        purger.join();
        REQUIRE(big.pin(0, 0) == ASHMEM_WAS_PURGED);
    }
    CHECK(overtook);
}

TEST_CASE("what is written after close stays, whatever purge was under way", "[device][race]") {
    constexpr std::size_t pages = 1024;
    const Region any;
    bool kept = true;
    for (int round = 0; round < rounds(75); ++round) {
        Region region = Region::of_pages(pages);
        Map map = region.map_pages(pages);
        map.fill(1);
        REQUIRE(region.unpin(0, 0) == 0);
        std::thread purger([&] { any.purge_all(); });
        while (region.fdinfo_number("purged") == 0)
            std::this_thread::yield();
        region.close();
        // A punch goes upwards, so it meets what is written downwards.
        for (std::size_t page = pages; page-- > 0;)
            map[page * page_size()] = 2;
        purger.join();
        for (std::size_t page = 0; page < pages; ++page)
            kept = kept && map[page * page_size()] == 2;
    }
    CHECK(kept);
}

// The range's record is used again each time, and stays where walks of the LRU find it.
TEST_CASE("a page that is unpinned again at once is kept or told as purged", "[device][race]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    const Purger purger;
    map.fill(0xda);
    int lost = 0;
    for (int round = 0; round < rounds(40'000); ++round) {
        region.unpin(0, 0);
        const bool purged = region.pin(0, 0) == ASHMEM_WAS_PURGED;
        lost += !map.holds(purged ? 0 : 0xda);
        if (purged) map.fill(0xda);
    }
    CHECK(lost == 0);
}

TEST_CASE("the purgeable count is 0 again after a storm", "[device][race]") {
    {
        Region region = Region::of_pages(128);
        Map map = region.map_pages(128);
        Purger purger;
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 4; ++i)
            threads.emplace_back([&, i] {
                std::mt19937 random(i);
                for (int round = 0; round < rounds(4000); ++round) {
                    const std::size_t first = random() % 128;
                    const std::size_t count = 1 + random() % (128 - first);
                    if (random() % 2)
                        region.unpin_pages(first, count);
                    else
                        region.pin_pages(first, count);
                    region.status_pages(first, count);
                }
            });
        for (auto& thread : threads)
            thread.join();
        purger.stop();
        REQUIRE(region.pin(0, 0) >= 0);
        CHECK(region.fdinfo_number("unpinned") == 0);
        CHECK(region.fdinfo_number("purged") == 0);
    }
    CHECK(Region().purge_all() == 0);
}

TEST_CASE("a storm of PIN, UNPIN and close leaves as many ranges as before", "[device][race]") {
    const auto regions = slab_objects("ashmem_region"), ranges = slab_objects("ashmem_range");
    std::atomic<bool> fine{true};
    for (int storm = 0; storm < 4; ++storm) {
        Region shared = Region::of_pages(8);
        Map map = shared.map_pages(8);
        Purger purger;
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 4; ++i)
            threads.emplace_back([&, i] {
                std::mt19937 random(i);
                for (int round = 0; round < rounds(4000); ++round) {
                    // few pages, so that threads find the range that another one allocated
                    const std::size_t first = random() % 6;
                    if (shared.unpin_pages(first, 1 + random() % 2) != 0) fine = false;
                    if (shared.pin_pages(random() % 8) < 0) fine = false;
                    if (round % 8 != 0) continue;
                    Region own = Region::of_pages(8);
                    if (own.try_map(page_size()) != 0 || own.unpin(0, 0) != 0 ||
                        own.pin_pages(3) < 0)
                        fine = false;
                }
            });
        for (auto& thread : threads)
            thread.join();
    }
    CHECK(fine);
    // a worker may hold the last of a region for a moment; what has leaked stays
    for (int i = 0; i < 500 && (slab_objects("ashmem_region") > regions ||
                                slab_objects("ashmem_range") > ranges);
         ++i)
        usleep(10000);
    CHECK(slab_objects("ashmem_region") == regions);
    CHECK(slab_objects("ashmem_range") == ranges);
}

TEST_CASE("naming and sizing race the first map and one of them wins", "[device][race]") {
    for (int round = 0; round < rounds(1500); ++round) {
        Region region = Region::of_pages(1);
        std::atomic<bool> go{false};
        std::thread namer([&] {
            while (!go) {
            }
            region.set_name("late name");
            region.set_size(2 * page_size());
        });
        go = true;
        Map map = region.map_pages(1);
        namer.join();
        const bool named = region.name() == "late name";
        const long size = region.size();
        const std::string expected =
            named ? "/dev/ashmem/late name (deleted)" : "/dev/ashmem (deleted)";
        REQUIRE_THAT(map.maps_line(), Catch::EndsWith(expected));
        // the file is as large as the region says, whoever came first
        REQUIRE(outcome(lseek(region.fd(), 0, SEEK_END)) == size);
    }
}

TEST_CASE("two first maps at once make one backing file", "[device][race]") {
    for (int round = 0; round < rounds(1000); ++round) {
        Region region = Region::of_pages(1);
        std::atomic<bool> go{false};
        unsigned char seen = 0;
        std::thread other([&] {
            while (!go) {
            }
            Map map = region.map_pages(1);
            while (map[0] == 0)
                std::this_thread::yield();
            seen = map[0];
        });
        go = true;
        Map map = region.map_pages(1);
        map[0] = 7;
        other.join();
        REQUIRE(seen == 7);
    }
}

TEST_CASE("faults race purges and see data or zeros, nothing else", "[device][race]") {
    Region region = Region::of_pages(32);
    Map map = region.map_pages(32);
    Purger purger;
    std::atomic<bool> fine{true};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < rounds(1500); ++round) {
                for (std::size_t page = i; page < 32; page += 3)
                    map[page * page_size()] = 0x5c;
                region.unpin_pages(std::size_t{8} * i, 8);
                for (std::size_t page = 0; page < 32; ++page) {
                    const unsigned char byte = map[page * page_size()];
                    if (byte != 0 && byte != 0x5c) fine = false;
                }
                region.pin_pages(std::size_t{8} * i, 8);
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(fine);
}

TEST_CASE("readers, seekers and fdinfo race pin and purge", "[device][race]") {
    Region region = Region::of_pages(16);
    Map map = region.map_pages(16);
    Purger purger;
    std::atomic<bool> fine{true}, done{false};
    std::thread pinner([&] {
        for (int round = 0; round < rounds(3000); ++round) {
            region.unpin_pages(0, 8);
            region.pin_pages(2, 4);
        }
        done = true;
    });
    std::vector<char> bytes(16 * page_size());
    while (!done) {
        if (pread(region.fd(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
            fine = false;
        if (lseek(region.fd(), 0, SEEK_END) != static_cast<off_t>(bytes.size())) fine = false;
        if (region.fdinfo().count("unpinned") != 1) fine = false;
    }
    pinner.join();
    CHECK(fine);
}

TEST_CASE("fdinfo races UNPIN and PIN, and tells what one of them left", "[device][race]") {
    const Region region = Region::of_pages(16);
    const Map map = region.map_pages(16);
    std::atomic<bool> done{false};
    std::thread pinner([&] {
        while (!done) {
            region.unpin_pages(0, 8);
            region.pin_pages(0, 8);
        }
    });
    int others = 0;
    for (int round = 0; round < rounds(10'000); ++round) {
        const std::uint64_t unpinned = region.fdinfo_number("unpinned");
        others += unpinned != 0 && unpinned != 8 * page_size();
    }
    done = true;
    pinner.join();
    CHECK(others == 0);
}

TEST_CASE("processes that are killed in the middle leave nothing unpinned", "[device][race]") {
    Purger purger;
    for (int round = 0; round < rounds(40); ++round) {
        Child victim([] {
            Region region = Region::of_pages(64);
            Map map = region.map_pages(64);
            for (;;) {
                map.fill(1);
                region.unpin(0, 0);
                region.pin(0, 0);
                region.unpin_pages(3, 9);
            }
            return 0;
        });
        usleep(3000);
    }
    purger.stop();
    CHECK(Region().purge_all() == 0);
}

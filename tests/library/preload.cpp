// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so on a small machine with swap: what it does by itself when
// memory is short. The driver's claims and tests/consumer/device.c have the rest.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <ctime>

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

TEST_CASE("what was unpinned longest ago goes first when memory is short", "[preload]") {
    // more than the half that is purged at a time, then less
    const std::size_t older = 24 * mib, younger = 16 * mib, page = page_size();
    const Region region = Region::of_pages((older + younger) / page + 1);
    const Map map = region.map(older + younger + page);
    map.fill(1);
    // the one in front is the younger
    REQUIRE(region.unpin_pages(younger / page + 1, older / page) == 0);
    REQUIRE(region.unpin_pages(0, younger / page) == 0);
    bool early = false;
    CHECK(squeeze_until(
        [&] {
            const bool younger_is_gone = map[0] == 0;
            const bool older_is_gone = map[younger + page] == 0;
            early = early || (younger_is_gone && !older_is_gone);
            return older_is_gone;
        },
        patience));
    CHECK(!early);
    CHECK(map[younger] == 1);
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

TEST_CASE("a signal handler may use the region that a call is about", "[preload]") {
    static int fd;
    Child child([] {
        const Region region = Region::of_pages(1);
        const Map map = region.map_pages(1);
        fd = region.fd();
        struct sigaction action {};
        action.sa_handler = [](int) { (void)!lseek(fd, 0, SEEK_SET); };
        sigaction(SIGALRM, &action, nullptr);
        // not so often that a slow machine does nothing but handle signals
        const itimerval often{{0, 5000}, {0, 5000}};
        setitimer(ITIMER_REAL, &often, nullptr);
        for (int i = 0; i < 3000; ++i)
            if (region.unpin(0, 0) != 0 || region.pin(0, 0) != ASHMEM_NOT_PURGED) return 1;
        return 0;
    });
    for (int i = 0; i < 600 && child.running(); ++i)
        usleep(100000);
    REQUIRE(!child.running());
    CHECK(child.wait() == 0);
}

TEST_CASE("a program that closes all descriptors is not kept busy", "[preload]") {
    const Region region = Region::of_pages(1024);
    const Map map = region.map_pages(1024);
    map.fill(1);
    Child child([&] {
        if (region.unpin(0, 0) != 0) return 1;
        for (int other = 3; other < 100; ++other)
            if (other != region.fd()) close(other);
        while (map[0] != 0)
            usleep(10000);
        const std::clock_t before = std::clock();
        sleep(2);
        return std::clock() - before < CLOCKS_PER_SEC / 2 ? 0 : 2;
    });
    const bool purged = squeeze_until([&] { return map[0] == 0; }, patience);
    CHECK(purged);
    if (!purged) child.kill();
    CHECK(child.wait() == 0);
}

TEST_CASE("what lies past the end faults, also in a map that replaces none", "[preload]") {
    const Region region = Region::of_pages(2);
    void* const place =
        mmap(nullptr, 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(munmap(place, 2 * page_size()) == 0);
    auto* const map = static_cast<volatile char*>(
        mmap(place, 2 * page_size(), rw, MAP_SHARED | MAP_FIXED_NOREPLACE, region.fd(),
             static_cast<off_t>(page_size())));
    REQUIRE(map == place);
    CHECK(map[page_size() - 1] == 0);
    CHECK(in_child([&] { return map[page_size()]; }) == 128 + SIGBUS);
}

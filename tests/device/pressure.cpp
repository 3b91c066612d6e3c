// SPDX-License-Identifier: Apache-2.0
// Real memory pressure: a small guest with real swap, and a process that takes
// memory until the kernel must find some.
//
// Run by themselves ([pressure]): the other tests need more memory.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <utility>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

struct Filled {
    explicit Filled(std::size_t bytes)
        : region(Region::of_pages(bytes / page_size())), map(region.map(bytes)) {
        map.fill(0xcd);
    }
    std::uint64_t purged() const { return region.fdinfo_number("purged"); }
    Region region;
    Map map;
};

// Takes as much as there is, again and again, and little swap with it.
int touch_all_memory() {
    write_file("/proc/self/oom_score_adj", "1000");
    const std::size_t size = meminfo("MemTotal");
    for (;;) {
        void* const memory =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return 1;
        madvise(memory, size, MADV_NOHUGEPAGE);
        for (std::size_t at = 0; at < size; at += page_size())
            static_cast<volatile char*>(memory)[at] = 1;
        munmap(memory, size);
    }
}

// Pins page by page. Returns the pages that were lost and that PIN called kept.
std::size_t wrongly_told(const Filled& f, std::size_t pages) {
    std::size_t wrong = 0;
    for (std::size_t page = 0; page < pages; ++page)
        if (f.region.pin_pages(page) == ASHMEM_NOT_PURGED &&
            !f.map.holds(page * page_size(), page_size(), 0xcd))
            ++wrong;
    return wrong;
}

} // namespace

TEST_CASE("the guest has real swap", "[pressure]") {
    CHECK(meminfo("SwapTotal") >= 64 * mib);
}

TEST_CASE("under pressure unpinned goes, pinned stays, PIN tells", "[pressure]") {
    Filled unpinned(48 * mib), pinned(24 * mib);
    REQUIRE(unpinned.region.unpin(0, 0) == 0);
    // the kernel asks for less and less of the rest; most of it is enough
    REQUIRE(squeeze_until([&] { return unpinned.purged() >= 40 * mib; }));
    const auto purged = unpinned.purged();
    CHECK(unpinned.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(unpinned.map.holds(0, purged, 0));
    CHECK(pinned.region.pin(0, 0) == ASHMEM_NOT_PURGED);
    CHECK(pinned.map.holds(0xcd));
}

TEST_CASE("under pressure the range unpinned first goes first", "[pressure]") {
    Filled first(32 * mib), second(32 * mib);
    // the order of unpinning counts, not that of creation
    REQUIRE(second.region.unpin(0, 0) == 0);
    REQUIRE(first.region.unpin(0, 0) == 0);
    // Reclaim skips a region that is busy or waits for its punch: it takes a little of
    // the younger one now and then, and the calls here make a region busy.
    REQUIRE(squeeze_until([&] { return first.purged() >= 8 * mib; }));
    CHECK(second.purged() == 32 * mib);
}

TEST_CASE("within a region the range unpinned first goes first", "[pressure]") {
    Filled f(64 * mib);
    const std::size_t half = 32 * mib / page_size();
    REQUIRE(f.region.unpin_pages(half, half) == 0);
    REQUIRE(f.region.unpin_pages(0, half) == 0);
    REQUIRE(squeeze_until([&] { return f.purged() > 0; }));
    // reclaim may not have ended: look at the younger half first
    const long low = f.region.pin_pages(0, half);
    CHECK((low == ASHMEM_NOT_PURGED || f.purged() == 32 * mib));
    CHECK(f.region.pin_pages(half, half) == ASHMEM_WAS_PURGED);
}

TEST_CASE("pressure takes pages as needed, not whole ranges", "[pressure]") {
    Filled f(96 * mib);
    // a purge in steps shows states in between, unless this process gets no turn
    bool partly = false;
    for (int round = 0; round < 5 && !partly; ++round) {
        REQUIRE(f.region.pin(0, 0) >= 0);
        f.map.fill(0xcd);
        REQUIRE(f.region.unpin(0, 0) == 0);
        Child hog([&] { return squeeze_until([&] { return f.purged() > 0; }) ? 0 : 1; });
        while (hog.running()) {
            const auto purged = f.purged();
            partly = partly || (purged > 0 && purged < 96 * mib);
        }
        REQUIRE(hog.wait() == 0);
    }
    CHECK(partly);
}

TEST_CASE("page by page, PIN under pressure tells what is lost and what is not", "[pressure]") {
    Filled f(96 * mib);
    REQUIRE(f.region.unpin(0, 0) == 0);
    REQUIRE(squeeze_until([&] { return f.purged() > 0; }));
    std::size_t wrong = 0;
    for (std::size_t page = 0; page < 96 * mib / page_size(); ++page) {
        const bool purged = f.region.pin_pages(page) == ASHMEM_WAS_PURGED;
        if (!f.map.holds(page * page_size(), page_size(), purged ? 0 : 0xcd)) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a range of which a part is purged is cut and joined, and PIN tells each page",
          "[pressure]") {
    constexpr std::size_t size = 64 * mib;
    const std::size_t pages = size / page_size();
    // the first page and the end of what a call is about; the first so many pages are purged
    struct Change {
        bool pins;
        std::function<std::pair<std::size_t, std::size_t>(std::size_t)> part;
    };
    const Change changes[] = {
        {false, [](std::size_t purged) { return std::pair(std::size_t{0}, purged / 2); }},
        {false, [=](std::size_t purged) { return std::pair(purged + 1, pages); }},
        {false, [=](std::size_t purged) { return std::pair(purged / 2, (purged + pages) / 2); }},
        {true, [=](std::size_t purged) { return std::pair(purged, pages); }},
        {true, [](std::size_t purged) { return std::pair(purged, purged + 1); }},
        {true, [=](std::size_t) { return std::pair(pages - 1, pages); }},
    };
    for (const auto& [pins, part] : changes) {
        const Filled f(size);
        REQUIRE(f.region.unpin(0, 0) == 0);
        REQUIRE(squeeze_until([&] { return f.purged() >= 4 * mib; }));
        const auto [first, end] = part(std::min<std::size_t>(f.purged() / page_size(), pages - 2));
        const long told = pins ? f.region.pin_pages(first, end - first)
                               : f.region.unpin_pages(first, end - first);
        REQUIRE(told >= 0);
        // reclaim may have taken more meanwhile: then nothing of the part is known
        if (told == ASHMEM_WAS_PURGED)
            f.map.fill(first * page_size(), (end - first) * page_size(), 0xcd);
        CHECK(wrongly_told(f, pages) == 0);
    }
}

TEST_CASE("pinned pages are swapped, not lost", "[pressure]") {
    Filled f(64 * mib);
    const auto before = vmstat("pswpout");
    REQUIRE(squeeze_until([&] { return vmstat("pswpout") > before + 48 * mib / page_size(); }));
    CHECK(f.map.holds(0xcd));
}

TEST_CASE("data kept by PIN under pressure is whole, over and over", "[pressure]") {
    Filled f(32 * mib);
    int purges = 0, kept = 0;
    bool whole = true;
    Child hog(touch_all_memory);
    const int enough = std::max(rounds(10), 2);
    // until reclaim has come on this machine
    useconds_t pause = 2000;
    for (int round = 0; round < 3000 && purges < enough; ++round) {
        REQUIRE(f.region.unpin(0, 0) == 0);
        usleep(pause);
        if (f.region.pin(0, 0) == ASHMEM_WAS_PURGED) {
            ++purges;
            pause = 2000;
            // what is swapped out meanwhile proves nothing, and takes long
            kill(hog.pid(), SIGSTOP);
            f.map.fill(0xcd);
            kill(hog.pid(), SIGCONT);
        } else {
            ++kept;
            pause = std::min<useconds_t>(pause + pause / 4, 500000);
        }
        if (round % 16 == 0) whole = whole && f.map.holds(0xcd);
    }
    hog.kill();
    CHECK(whole);
    CHECK(f.map.holds(0xcd));
    CHECK(purges > 0);
    CHECK(kept > 0);
}

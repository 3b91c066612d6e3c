// SPDX-License-Identifier: Apache-2.0
// A purge takes as much as is needed: in a small guest, where every MiB counts.
//
// Run by themselves ([proportion]) in a guest with a disk. The disk is swap space, which is
// switched off first: these tests need memory that can only be purged, and read the disk.
#include <sys/swap.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/steps.hpp"
#include "support/trace.hpp"

using namespace test;

namespace {

constexpr const char* disk = "/dev/vda";

// Unpinned memory in a guest without swap.
struct Unpinned {
    explicit Unpinned(std::size_t bytes)
        : region(Region::of_pages(bytes / page_size())), map(region.map(bytes)) {
        swapoff(disk);
        if (meminfo("SwapTotal") != 0) throw std::runtime_error("there is swap");
        write_file("/proc/sys/vm/drop_caches", "1");
        map.fill(0xcd);
        if (region.unpin(0, 0) != 0) throw std::runtime_error("UNPIN failed");
    }
    [[nodiscard]] std::uint64_t purged() const { return region.fdinfo_number("purged"); }
    Region region;
    Map map;
};

#ifdef __LP64__ // what streams is not run by 32-bit programs
// Reads the disk through the page cache, as a player reads a film.
std::uint64_t stream(std::size_t bytes) {
    std::vector<char> buffer(mib);
    const int fd = open(disk, O_RDONLY | O_CLOEXEC);
    std::uint64_t done = 0;
    for (ssize_t n; done < bytes && (n = read(fd, buffer.data(), buffer.size())) > 0;)
        done += static_cast<std::uint64_t>(n);
    close(fd);
    return done;
}
#endif

} // namespace

TEST_CASE("under pressure each step costs as much as it needs", "[proportion]") {
    Unpinned f(92 * mib);
    const Steps steps = take_in_steps(f.region, 64 * mib, 256);
    INFO(steps.text());
    CHECK(steps.ended == 0);
    CHECK(steps.total() >= 64 * mib);
    CHECK(steps.largest() <= 16 * mib);
    CHECK(steps.median() <= 4 * mib);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("reclaim is told of the pages that ranges hold, not of those they span", "[proportion]") {
    const bool split = GENERATE(false, true);
    CAPTURE(split);
    Region vast;
    REQUIRE(vast.set_size(std::size_t{1} << 50) == 0);
    Map map = vast.map(16 * page_size(), rw, MAP_SHARED | MAP_NORESERVE);
    map.fill(1);
    REQUIRE(vast.unpin(0, 0) == 0);
    if (split) REQUIRE(vast.pin_pages(8) == ASHMEM_NOT_PURGED);
    ShrinkerTrace trace;
    write_file("/proc/sys/vm/drop_caches", "2");
    const auto offers = trace.offers();
    REQUIRE_FALSE(offers.empty());
    CHECK(offers.front() >= 1);
    CHECK(*std::max_element(offers.begin(), offers.end()) <= 16);
}

TEST_CASE("beside a vast empty region a reader costs others no more", "[proportion]") {
    const std::size_t film = 192 * mib;
    const auto cost = [&] {
        Unpinned f(32 * mib);
        REQUIRE(stream(film) == film);
        return f.purged();
    };
    const auto cost_beside_vast = [&] {
        Region vast;
        REQUIRE(vast.set_size(std::size_t{1} << 50) == 0);
        Map map = vast.map(page_size(), rw, MAP_SHARED | MAP_NORESERVE);
        REQUIRE(vast.unpin(0, 0) == 0);
        return cost();
    };
    // The cost of a reader varies by up to 12 MiB from time to time, so the least of a few is
    // compared. A region that counts by its span costs all 32 MiB each time.
    const std::size_t slack = 16 * mib;
    auto alone = cost(), beside = cost_beside_vast();
    for (int more = 0; more < 3 && beside > alone + slack; ++more) {
        alone = std::min(alone, cost());
        beside = std::min(beside, cost_beside_vast());
    }
    INFO("alone " << alone / 1024 << " KiB, beside it " << beside / 1024 << " KiB");
    CHECK(beside <= alone + slack);
}
#endif

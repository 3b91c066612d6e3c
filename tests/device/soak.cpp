// SPDX-License-Identifier: Apache-2.0
// Hundreds of thousands of rounds, after which no memory may be left.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/module.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

std::uint64_t kernel_memory() {
    write_file("/proc/sys/vm/drop_caches", "3");
    return meminfo("SUnreclaim") + meminfo("Percpu") + meminfo("VmallocUsed");
}

// How much kernel_memory() may grow without a leak. A kernel with KASAN keeps back freed
// memory, up to a share of all memory; there kmemleak finds leaks.
std::uint64_t memory_slack() {
    const bool keeps_back = access("/sys/kernel/debug/kmemleak", F_OK) == 0;
    return keeps_back ? meminfo("MemTotal") / 16 : std::uint64_t{2} << 20;
}

// Whether kernel_memory() comes down to what it was. What is freed after a grace
// period is still on its way when the last call returns, on a busy machine for
// seconds; what has leaked never comes back.
bool settles_at(std::uint64_t memory) {
    const std::uint64_t most = memory + memory_slack();
    for (int i = 0; i < 600 && kernel_memory() >= most; ++i)
        usleep(100000);
    return kernel_memory() < most;
}

} // namespace

TEST_CASE("100,000 rounds of open, map, unpin and close leave slabs and pages as they were",
          "[soak]") {
    const auto run = [](int count) {
        for (int i = 0; i < count; ++i) {
            Region region = Region::of_pages(4);
            Map map = region.map_pages(4);
            map[0] = 1;
            if (region.unpin_pages(0, 2) != 0 || region.unpin_pages(3) != 0) return 1;
            if (i % 64 == 0 && region.purge_all() < 3) return 2;
        }
        return 0;
    };
    REQUIRE(in_child([&] { return run(rounds(1000)); }) == 0); // caches are warm from here on
    const auto regions = slab_objects("ashmem_region"), ranges = slab_objects("ashmem_range");
    const auto memory = kernel_memory(), shmem = meminfo("Shmem");
    REQUIRE(in_child([&] { return run(rounds(100000)); }) == 0);
    CHECK(slab_objects("ashmem_region") == regions);
    CHECK(slab_objects("ashmem_range") == ranges);
    CHECK(meminfo("Shmem") <= shmem + (std::uint64_t{64} << 10));
    CHECK(settles_at(memory));
}

TEST_CASE("1,000 rounds of insmod and rmmod leave slabs and pages as they were", "[module]") {
    const auto run = [](int count) {
        for (int i = 0; i < count; ++i)
            if (load(module_file) != 0 || unload_soon() != 0) return 1;
        return 0;
    };
    REQUIRE(run(rounds(20)) == 0);
    const auto memory = kernel_memory();
    REQUIRE(run(rounds(1000)) == 0);
    CHECK(settles_at(memory));
    CHECK(access("/dev/ashmem", F_OK) == -1);
    CHECK(access("/sys/kernel/slab/ashmem_region", F_OK) == -1);
}

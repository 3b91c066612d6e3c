// SPDX-License-Identifier: Apache-2.0
// Purgeable memory at a cgroup's limit, over the driver and without it: what is in use is
// kept, what goes is told, and nobody is killed. In the guest of tests/device/cgroup.cpp.
#include <unistd.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <vector>

#include "support/backend.hpp"
#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/steps.hpp"

using ashmem::PurgeableBuffer;
using test::Cgroup;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

bool is_whole(std::span<const std::byte> bytes, std::byte byte) {
    return std::ranges::count(bytes, byte) == static_cast<std::ptrdiff_t>(bytes.size());
}

// What a process in a group found: for a child, which must not use Catch2.
enum Found : int { well, nothing_was_lost, not_whole, lost_in_use, wrong_counts, no_memory };

int use_buffers() {
    std::vector<PurgeableBuffer> buffers;
    buffers.reserve(64);
    for (int i = 0; i < 64; ++i)
        buffers.emplace_back("cache", mib, [i](std::span<std::byte> bytes) {
            std::ranges::fill(bytes, static_cast<std::byte>(i + 1));
        });
    std::vector<PurgeableBuffer::Lock> in_use;
    for (auto& buffer : buffers) {
        auto lock = buffer.lock();
        if (in_use.size() < 8) in_use.push_back(std::move(lock));
    }
    if (test::touch(64 * mib) != 0) return no_memory;
    for (std::size_t i = 0; i < in_use.size(); ++i)
        if (!is_whole(in_use[i].bytes(), static_cast<std::byte>(i + 1))) return lost_in_use;
    int lost = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const auto lock = buffers[i].lock();
        lost += lock.rebuilt();
        if (!is_whole(lock.bytes(), static_cast<std::byte>(i + 1))) return not_whole;
    }
    return lost > 0 ? well : nothing_was_lost;
}

int use_cache() {
    const std::size_t size = mib / 4;
    ashmem::PurgeableCache cache("cache", 64 * mib, [](std::string_view key, auto bytes) {
        std::ranges::fill(bytes, static_cast<std::byte>(key.size() % 250 + 1));
    });
    const auto get = [&](std::size_t number) { return cache.get(std::string(number, 'x'), size); };
    std::vector<ashmem::PurgeableCache::Handle> in_use;
    for (std::size_t i = 0; i < 256; ++i) {
        auto handle = get(i);
        if (i % 8 == 0) in_use.push_back(std::move(handle));
    }
    if (test::touch(64 * mib) != 0) return no_memory;
    for (std::size_t i = 0; i < in_use.size(); ++i)
        if (!is_whole(in_use[i].bytes(), static_cast<std::byte>(i * 8 % 250 + 1)))
            return lost_in_use;
    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < 256; ++i) {
        const auto handle = get(i);
        lost += handle.source() == ashmem::PurgeableCache::Source::rebuilt;
        if (!is_whole(handle.bytes(), static_cast<std::byte>(i % 250 + 1))) return not_whole;
    }
    const auto counts = cache.statistics();
    if (counts.evicted != 0 || counts.lost != lost || counts.rebuilds != 256 + lost)
        return wrong_counts;
    return lost > 0 ? well : nothing_was_lost;
}

// What a process finds in a group that has less memory than it uses.
int at_a_limit(int (*work)()) {
    Cgroup group("group");
    group.set("memory.max", 96 * mib);
    const int found = test::in_child([&] {
        alarm(100);
        group.join();
        return work();
    });
    CHECK(group.key("memory.events", "oom_kill") == 0);
    return found;
}

} // namespace

TEST_CASE("at a cgroup's limit PurgeableBuffers shrink, and each loss is told",
          "[library][cgroup]") {
    const test::Backend backend(GENERATE("device", "memfd"));
    CHECK(at_a_limit(use_buffers) == well);
}

TEST_CASE("at a cgroup's limit a PurgeableCache shrinks, and each loss is told",
          "[library][cgroup]") {
    const test::Backend backend(GENERATE("device", "memfd"));
    CHECK(at_a_limit(use_cache) == well);
}

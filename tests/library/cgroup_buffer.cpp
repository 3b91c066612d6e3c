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
enum Found : int { well = 0, nothing_was_lost = 1, not_whole = 2, lost_in_use = 3, no_memory = 4 };

int use_buffers() {
    std::vector<PurgeableBuffer> buffers;
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

} // namespace

TEST_CASE("at a cgroup's limit PurgeableBuffers shrink, and each loss is told",
          "[library][cgroup]") {
    const test::Backend backend(GENERATE("device", "memfd"));
    Cgroup group("group");
    group.set("memory.max", 96 * mib);
    CHECK(test::in_child([&] {
              alarm(100);
              group.join();
              return use_buffers();
          }) == well);
    CHECK(group.key("memory.events", "oom_kill") == 0);
}

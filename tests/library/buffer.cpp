// SPDX-License-Identifier: Apache-2.0
// PinGuard and PurgeableBuffer.
#include <ashmem/ashmem.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::PinGuard;
using ashmem::Prot;
using ashmem::PurgeableBuffer;
using test::page_size;

namespace {

// everything that is unpinned anywhere; without the driver nothing is
bool purge() {
    return ashmem_purge_all_caches(ashmem::Region::create("any", page_size()).fd()) >= 0;
}

// all bytes become what is counted
PurgeableBuffer::Rebuild counting(int& builds) {
    return [&builds](std::span<std::byte> bytes) {
        ++builds;
        std::ranges::fill(bytes, static_cast<std::byte>(builds));
    };
}

bool holds(std::span<const std::byte> bytes, int byte) {
    return std::ranges::count(bytes, static_cast<std::byte>(byte)) ==
           static_cast<std::ptrdiff_t>(bytes.size());
}

} // namespace

TEST_CASE("a PinGuard pins while it lives and tells of a purge", "[device][library]") {
    auto region = ashmem::Region::create("guarded", 4 * page_size());
    auto mapping = region.map(Prot::read_write);
    {
        const PinGuard guard(region, page_size(), page_size());
        CHECK_FALSE(guard.was_purged());
        CHECK(region.pinned());
    }
    CHECK_FALSE(region.pinned());
    CHECK(region.pinned(0, page_size()));
    REQUIRE(purge());
    PinGuard guard(region, page_size(), page_size());
    CHECK(guard.was_purged());
    CHECK(region.pinned());
}

TEST_CASE("a PinGuard moved or released unpins once or never", "[device][library]") {
    auto region = ashmem::Region::create("guarded", page_size());
    auto mapping = region.map(Prot::read_write);
    {
        PinGuard first(region);
        const PinGuard second(std::move(first));
        CHECK(region.pinned());
    }
    CHECK_FALSE(region.pinned());
    {
        std::optional<PinGuard> first(region);
        const PinGuard second(std::move(*first));
        first.reset();
        CHECK(region.pinned());
    }
    { PinGuard(region).release(); }
    CHECK(region.pinned());
}

TEST_CASE("a PinGuard of an impossible range is EINVAL by both forms", "[library][anywhere]") {
    auto region = ashmem::Region::create("guarded", page_size());
    auto mapping = region.map(Prot::read_write);
    std::error_code ec;
    { const PinGuard guard(region, 1, 0, ec); }
    CHECK(ec.value() == EINVAL);
    CHECK_THROWS_AS(PinGuard(region, 0, 2 * page_size()), std::system_error);
    CHECK(region.pinned());
}

TEST_CASE("a PurgeableBuffer is built at its first lock and then kept", "[library][anywhere]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", 3 * page_size() + 5, counting(builds));
    CHECK(builds == 0);
    CHECK(buffer.size() == 3 * page_size() + 5);
    for (int i = 0; i < 3; ++i) {
        auto lock = buffer.lock();
        CHECK(lock.rebuilt() == (i == 0));
        CHECK(std::ranges::count(lock.bytes(), std::byte{1}) ==
              static_cast<std::ptrdiff_t>(buffer.size()));
    }
    CHECK(builds == 1);
}

TEST_CASE("a PurgeableBuffer that was purged is built again", "[device][library]") {
    const auto use = GENERATE(PurgeableBuffer::Use::own, PurgeableBuffer::Use::shared);
    int builds = 0;
    PurgeableBuffer buffer("cache", 8 * page_size(), counting(builds), use);
    { auto lock = buffer.lock(); }
    REQUIRE(purge());
    auto lock = buffer.lock();
    CHECK(lock.rebuilt());
    CHECK(lock.bytes()[0] == std::byte{2});
    CHECK(lock.bytes().back() == std::byte{2});
}

TEST_CASE("a PurgeableBuffer whose building fails is not kept", "[device][library]") {
    PurgeableBuffer buffer(
        "cache", 4 * page_size(), [](auto) { throw std::runtime_error("no source"); },
        PurgeableBuffer::Use::shared);
    for (int i = 0; i < 2; ++i) {
        CHECK_THROWS_WITH(buffer.lock(), "no source");
        CHECK_FALSE(buffer.region().pinned());
    }
}

TEST_CASE("a PurgeableBuffer is kept until its last lock ends", "[device][library]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", page_size(), counting(builds), PurgeableBuffer::Use::shared);
    auto outer = std::make_unique<PurgeableBuffer::Lock>(buffer.lock());
    {
        auto inner = buffer.lock();
        auto moved = std::move(inner);
        CHECK(moved.bytes().data() == outer->bytes().data());
    }
    REQUIRE(purge());
    CHECK(outer->bytes()[0] == std::byte{1});
    CHECK(buffer.region().pinned());
    outer.reset();
    CHECK_FALSE(buffer.region().pinned());
}

TEST_CASE("a PurgeableBuffer that is moved takes its locks along", "[library][anywhere]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", page_size(), counting(builds));
    {
        const auto lock = buffer.lock();
        PurgeableBuffer moved(std::move(buffer));
        CHECK(lock.bytes()[0] == std::byte{1});
        CHECK(moved.size() == page_size());
        CHECK_FALSE(moved.lock().rebuilt());
        buffer = std::move(moved);
    }
    CHECK_FALSE(buffer.lock().rebuilt());
    buffer = PurgeableBuffer("other", 2 * page_size(), counting(builds));
    CHECK(buffer.lock().bytes()[0] == std::byte{2});
}

TEST_CASE("a PurgeableBuffer has a region if others use it", "[library][anywhere]") {
    int builds = 0;
    const PurgeableBuffer own("cache", page_size(), counting(builds));
    CHECK_FALSE(own.region().ok());
    PurgeableBuffer shared("cache", page_size(), counting(builds), PurgeableBuffer::Use::shared);
    CHECK(shared.region().name() == "cache");
    const auto map = shared.region().map(Prot::read);
    const auto lock = shared.lock();
    CHECK(map.bytes()[0] == std::byte{1});
}

TEST_CASE("a PurgeableBuffer of no bytes is EINVAL", "[library][anywhere]") {
    int builds = 0;
    std::error_code code;
    try {
        const PurgeableBuffer buffer("cache", 0, counting(builds));
    } catch (const std::system_error& error) {
        code = error.code();
    }
    CHECK(code.value() == EINVAL);
}

TEST_CASE("a child of fork has a PurgeableBuffer of its own", "[library][anywhere]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", 4 * page_size(), counting(builds));
    { const auto lock = buffer.lock(); }
    CHECK(test::in_child([&] {
              auto lock = buffer.lock(); // a copy, or built anew
              if (!holds(lock.bytes(), builds)) return 1;
              std::ranges::fill(lock.bytes(), std::byte{9});
              return 0;
          }) == 0);
    CHECK_FALSE(buffer.lock().rebuilt());

    std::optional<PurgeableBuffer::Lock> held(buffer.lock());
    CHECK(test::in_child([&] {
              held.reset(); // unlocks nothing of the parent's
              const auto lock = buffer.lock();
              return holds(lock.bytes(), builds) ? 0 : 1;
          }) == 0);
    (void)purge();
    CHECK(holds(held->bytes(), 1));
}

TEST_CASE("a child of fork waits with its PurgeableBuffer for its copies of locks to end",
          "[device][library]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", page_size(), counting(builds));
    std::optional<PurgeableBuffer::Lock> held(buffer.lock());
    CHECK(test::in_child([&] {
              try {
                  (void)buffer.lock();
                  return 1;
              } catch (const std::system_error& error) {
                  if (error.code().value() != EBUSY) return 2;
              }
              held.reset();
              return buffer.lock().rebuilt() ? 0 : 3;
          }) == 0);
    CHECK(holds(held->bytes(), 1));
}

TEST_CASE("a PurgeableBuffer whose building fails tries again", "[library][anywhere]") {
    int tries = 0;
    PurgeableBuffer buffer("cache", page_size(), [&](std::span<std::byte> bytes) {
        if (++tries == 1) throw std::runtime_error("no source");
        bytes[0] = std::byte{7};
    });
    CHECK_THROWS_WITH(buffer.lock(), "no source");
    auto lock = buffer.lock();
    CHECK(lock.rebuilt());
    CHECK(lock.bytes()[0] == std::byte{7});
    CHECK(tries == 2);
}

TEST_CASE("many threads lock a PurgeableBuffer and see it whole", "[library][anywhere]") {
    int builds = 0;
    PurgeableBuffer buffer("cache", 4 * page_size(), counting(builds));
    std::atomic<bool> whole{true};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                auto lock = buffer.lock();
                const auto bytes = lock.bytes();
                if (std::ranges::count(bytes, bytes[0]) !=
                    static_cast<std::ptrdiff_t>(bytes.size()))
                    whole = false;
                if (round % 20 == 0) (void)purge();
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(whole);
    CHECK(builds >= 1);
}

// SPDX-License-Identifier: Apache-2.0
// PurgeableCache: what it keeps, evicts, finds lost and makes again, alone and by threads.
#include <ashmem/ashmem.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::PurgeableCache;
using test::page_size;
using Source = PurgeableCache::Source;

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace {

// Bytes that are another key's only by chance, and that are never zero.
std::byte byte_of(std::string_view key) {
    return static_cast<std::byte>(std::hash<std::string_view>{}(key) | 1);
}

void fill(std::string_view key, std::span<std::byte> bytes) {
    std::ranges::fill(bytes, byte_of(key));
}

bool is_whole(std::string_view key, std::span<const std::byte> bytes) {
    return std::ranges::count(bytes, byte_of(key)) == static_cast<std::ptrdiff_t>(bytes.size());
}

// Loses the first page of an entry that nobody holds: over the driver with all that is
// unpinned anywhere, without it alone. nullptr: the former only.
void lose(std::byte* bytes) {
    if (bytes != nullptr) (void)madvise(bytes, page_size(), MADV_DONTNEED);
    (void)ashmem_purge_all_caches(ashmem::Region::create("any", page_size()).fd());
}

std::size_t descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

int error_of(PurgeableCache& cache, std::string_view key, std::size_t size) {
    std::error_code ec;
    const auto handle = cache.get(key, size, ec);
    return handle.ok() ? 0 : ec.value();
}

} // namespace

TEST_CASE("a PurgeableCache makes an entry once and then finds it", "[library][anywhere]") {
    PurgeableCache cache("cache", 16 * page_size(), fill);
    CHECK(cache.statistics().regions == 0);
    for (int i = 0; i < 3; ++i) {
        const auto handle = cache.get("a", page_size() + 5);
        CHECK(handle.source() == (i == 0 ? Source::built : Source::found));
        CHECK(handle.bytes().size() == page_size() + 5);
        CHECK(is_whole("a", handle.bytes()));
        CHECK(cache.statistics().held == 1);
    }
    const auto counts = cache.statistics();
    CHECK(counts.hits == 2);
    CHECK(counts.rebuilds == 1);
    CHECK(counts.lost == 0);
    CHECK(counts.evicted == 0);
    CHECK(counts.entries == 1);
    CHECK(counts.held == 0);
    CHECK(counts.bytes == page_size() + 5);
    CHECK(counts.regions == 1);
}

TEST_CASE("a PurgeableCache keeps many entries by one descriptor or none", "[library][anywhere]") {
    PurgeableCache cache("cache", 300 * page_size(), fill);
    const std::size_t before = descriptors();
    std::vector<PurgeableCache::Handle> handles;
    handles.reserve(300);
    for (int i = 0; i < 300; ++i)
        handles.push_back(cache.get(std::to_string(i), page_size()));
    CHECK(descriptors() <= before + 1);
    for (int i = 0; i < 300; ++i)
        CHECK(is_whole(std::to_string(i), handles[static_cast<std::size_t>(i)].bytes()));
    CHECK(cache.statistics().held == 300);
    CHECK(cache.statistics().regions == 1);
}

TEST_CASE("a full PurgeableCache evicts what was used longest ago", "[library][anywhere]") {
    PurgeableCache cache("cache", 4 * page_size(), fill);
    for (const char* key : {"a", "b", "c", "d", "a", "e"})
        (void)cache.get(key, page_size());
    CHECK(cache.statistics().evicted == 1);
    for (const char* key : {"a", "c", "d", "e"})
        CHECK(cache.get(key, page_size()).source() == Source::found);
    CHECK(cache.get("b", page_size()).source() == Source::built);
    CHECK(cache.statistics().entries == 4);
}

TEST_CASE("the end of a Handle of a PurgeableCache is a use too", "[library][anywhere]") {
    PurgeableCache cache("cache", 2 * page_size(), fill);
    {
        const auto a = cache.get("a", page_size());
        (void)cache.get("b", page_size());
    }
    (void)cache.get("c", page_size());
    CHECK(cache.get("a", page_size()).source() == Source::found);
}

TEST_CASE("a PurgeableCache evicts nothing that is held", "[library][anywhere]") {
    PurgeableCache cache("cache", 3 * page_size(), fill);
    auto a = cache.get("a", page_size());
    {
        const auto b = cache.get("b", page_size());
        CHECK(error_of(cache, "c", 2 * page_size()) == EBUSY);
        CHECK_THROWS_AS(cache.get("c", 2 * page_size()), std::system_error);
        CHECK(cache.get("c", page_size()).source() == Source::built);
    }
    const auto c = cache.get("c", 2 * page_size());
    CHECK(c.source() == Source::built);
    CHECK(is_whole("a", a.bytes()));
    CHECK(is_whole("c", c.bytes()));
    a = PurgeableCache::Handle();
    CHECK(cache.get("a", page_size()).source() == Source::found);
}

TEST_CASE("a PurgeableCache refuses what can't be an entry", "[library][anywhere]") {
    PurgeableCache cache("cache", page_size() + 1, fill);
    CHECK(cache.capacity() == 2 * page_size());
    CHECK(error_of(cache, "a", 0) == EINVAL);
    CHECK(error_of(cache, "a", 2 * page_size() + 1) == EFBIG);
    CHECK(error_of(cache, "a", static_cast<std::size_t>(-1)) == EFBIG);
    CHECK(error_of(cache, "", 2 * page_size()) == 0);
    CHECK(cache.statistics().rebuilds == 1);
}

TEST_CASE("an entry of a PurgeableCache that the kernel dropped is made again and counted",
          "[library][anywhere]") {
    PurgeableCache cache("cache", 16 * page_size(), fill);
    std::byte* const bytes = cache.get("a", 3 * page_size()).bytes().data();
    lose(bytes);
    {
        const auto handle = cache.get("a", 3 * page_size());
        CHECK(handle.source() == Source::rebuilt);
        CHECK(is_whole("a", handle.bytes()));
        lose(nullptr); // what is held stays
        CHECK(is_whole("a", handle.bytes()));
        CHECK(cache.get("a", 3 * page_size()).source() == Source::found);
    }
    CHECK(cache.statistics().lost == 1);
    CHECK(cache.statistics().rebuilds == 2);
}

TEST_CASE("an entry of a PurgeableCache with another size is made anew", "[library][anywhere]") {
    PurgeableCache cache("cache", 16 * page_size(), fill);
    {
        const auto handle = cache.get("a", 10);
        CHECK(error_of(cache, "a", 11) == EBUSY);
    }
    const auto handle = cache.get("a", 11);
    CHECK(handle.source() == Source::built);
    CHECK(handle.bytes().size() == 11);
    CHECK(cache.statistics().entries == 1);
    CHECK(cache.statistics().evicted == 0);
}

TEST_CASE("an entry of a PurgeableCache whose making fails is forgotten", "[library][anywhere]") {
    int tries = 0;
    PurgeableCache cache("cache", page_size(), [&](auto key, auto bytes) {
        if (++tries == 1) throw std::runtime_error("no source");
        fill(key, bytes);
    });
    CHECK_THROWS_WITH(cache.get("a", page_size()), "no source");
    CHECK(cache.statistics().entries == 0);
    CHECK(cache.statistics().held == 0);
    CHECK(cache.get("b", page_size()).source() == Source::built);
    CHECK(cache.get("a", page_size()).source() == Source::built);
}

TEST_CASE("a PurgeableCache forgets entries when told, and gives regions back",
          "[library][anywhere]") {
    PurgeableCache cache("cache", std::size_t{64} << 20, fill);
    const std::size_t size = std::size_t{20} << 20; // such have a region each
    {
        auto a = cache.get("a", size);
        const auto b = cache.get("b", size);
        CHECK(cache.statistics().regions == 2);
        CHECK_FALSE(cache.erase("a"));
        CHECK_FALSE(cache.erase("c"));
        a = PurgeableCache::Handle();
        CHECK(cache.erase("a"));
        CHECK(cache.statistics().regions == 1);
        cache.clear();
        CHECK(cache.statistics().entries == 1);
        CHECK(is_whole("b", b.bytes()));
    }
    cache.clear();
    CHECK(cache.statistics().entries == 0);
    CHECK(cache.statistics().bytes == 0);
    CHECK(cache.statistics().regions == 0);
}

TEST_CASE("an entry of a PurgeableCache may be made of others, and not of itself",
          "[library][anywhere]") {
    PurgeableCache* self = nullptr;
    int error = 0;
    PurgeableCache cache("cache", 16 * page_size(), [&](auto key, auto bytes) {
        if (key == "whole") {
            const auto part = self->get("part", page_size());
            error = error_of(*self, "whole", bytes.size());
            fill(is_whole("part", part.bytes()) ? key : "", bytes);
        } else
            fill(key, bytes);
    });
    self = &cache;
    CHECK(is_whole("whole", cache.get("whole", page_size()).bytes()));
    CHECK(error == EDEADLK);
}

TEST_CASE("a PurgeableCache that is moved takes its Handles along", "[library][anywhere]") {
    PurgeableCache cache("cache", 16 * page_size(), fill);
    {
        auto handle = cache.get("a", page_size());
        PurgeableCache moved(std::move(cache));
        const auto again = std::move(handle);
        CHECK_FALSE(handle.ok()); // NOLINT: what was moved from is empty
        CHECK(handle.bytes().empty());
        CHECK(is_whole("a", again.bytes()));
        CHECK(moved.statistics().held == 1);
        cache = std::move(moved);
    }
    CHECK(cache.statistics().held == 0);
    CHECK(cache.get("a", page_size()).source() == Source::found);
}

TEST_CASE("a child of fork has a PurgeableCache of its own", "[library][anywhere]") {
    PurgeableCache cache("cache", 16 * page_size(), fill);
    (void)cache.get("a", page_size());
    std::optional<PurgeableCache::Handle> held(cache.get("b", page_size()));
    const auto any = ashmem::Region::create("any", page_size());
    const bool shared = ashmem_backend(any.fd()) == ASHMEM_BACKEND_DEVICE;
    CHECK(test::in_child([&] {
              // there is a way to leave the parent's memory once nobody here holds any of it
              if (error_of(cache, "a", page_size()) != (shared ? EBUSY : 0)) return 2;
              held.reset(); // gives up nothing of the parent's
              const auto handle = cache.get("a", page_size());
              if (!is_whole("a", handle.bytes())) return 1;
              std::ranges::fill(handle.bytes(), std::byte{0});
              return 0;
          }) == 0);
    CHECK(is_whole("a", cache.get("a", page_size()).bytes()));
    lose(nullptr);
    CHECK(is_whole("b", held->bytes()));
}

TEST_CASE("random entries of a PurgeableCache never overlap, nor exceed its capacity",
          "[library][anywhere]") {
    const std::size_t pages = 24;
    PurgeableCache cache("cache", pages * page_size(), fill);
    std::minstd_rand random(1);
    std::array<PurgeableCache::Handle, 3> held;
    std::array<std::string, 3> keys;
    for (int round = 0; round < 2000; ++round) {
        const auto number = random() % 40;
        const std::size_t slot = random() % held.size();
        held[slot] = PurgeableCache::Handle();
        keys[slot] = std::to_string(number);
        std::error_code ec; // EBUSY where what is held leaves too few in a row
        held[slot] = cache.get(keys[slot], (number % 5 + 1) * page_size() - number, ec);
        REQUIRE((held[slot].ok() || ec.value() == EBUSY));
        if (round % 100 == 0) lose(nullptr);
        for (std::size_t i = 0; i < held.size(); ++i)
            REQUIRE(is_whole(keys[i], held[i].bytes()));
        REQUIRE(cache.statistics().bytes <= pages * page_size());
    }
    CHECK(cache.statistics().evicted > 0);
    CHECK(cache.statistics().hits > 0);
}

TEST_CASE("threads that want the same entry of a PurgeableCache have it made once",
          "[library][anywhere]") {
    std::atomic<int> made{0};
    PurgeableCache cache("cache", 16 * page_size(), [&](auto key, auto bytes) {
        ++made;
        std::this_thread::yield();
        fill(key, bytes);
    });
    std::atomic<bool> whole{true};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto handle = cache.get("a", page_size());
            if (!is_whole("a", handle.bytes())) whole = false;
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(whole);
    CHECK(made == 1);
    CHECK(cache.statistics().hits == 3);
}

TEST_CASE("a PurgeableCache serves others while an entry is made", "[library][anywhere]") {
    std::promise<void> begun, served;
    bool in_time = false;
    PurgeableCache cache("cache", 16 * page_size(), [&](auto key, auto bytes) {
        if (key == "slow") {
            begun.set_value();
            in_time = served.get_future().wait_for(std::chrono::seconds(100)) ==
                      std::future_status::ready;
        }
        fill(key, bytes);
    });
    std::thread slow([&] { (void)cache.get("slow", page_size()); });
    begun.get_future().wait();
    CHECK(is_whole("other", cache.get("other", page_size()).bytes()));
    CHECK_FALSE(cache.erase("slow"));
    served.set_value();
    slow.join();
    CHECK(in_time);
}

TEST_CASE("threads find the entries of a PurgeableCache whole while the kernel takes them",
          "[library][anywhere]") {
    PurgeableCache cache("cache", 13 * page_size(), fill);
    const auto keeps_the_region = cache.get("held", page_size());
    std::byte* const bytes = cache.get("0", 12 * page_size()).bytes().data();
    std::atomic<bool> whole{true}, done{false};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (unsigned i = 0; i < 3; ++i)
        threads.emplace_back([&, i] {
            std::minstd_rand random(i + 1);
            for (int round = 0; round < test::rounds(1000); ++round) {
                const auto number = random() % 8;
                const std::string key = std::to_string(number);
                std::error_code ec; // EBUSY now and then
                const auto handle = cache.get(key, (number % 2 + 1) * page_size(), ec);
                if (!is_whole(key, handle.bytes())) whole = false;
                if (round % 50 == 0) lose(nullptr);
            }
        });
    std::thread taker([&] {
        while (!done)
            (void)madvise(bytes, 12 * page_size(), MADV_PAGEOUT);
    });
    for (auto& thread : threads)
        thread.join();
    done = true;
    taker.join();
    CHECK(whole);
    CHECK(is_whole("held", keeps_the_region.bytes()));
    CHECK(cache.statistics().held == 1);
}

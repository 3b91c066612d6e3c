// SPDX-License-Identifier: Apache-2.0
// A PurgeableBuffer of one process without the driver: each page that is lost is found out.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::PurgeableBuffer;
using test::page_size;

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

namespace {

// What each page begins with must not matter: zero, what the library marks pages with, and
// other words take turns. The rest of a page is never zero.
void fill(std::span<std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t page = i / page_size(), at = i % page_size();
        bytes[i] = static_cast<std::byte>(at < 8 ? (at == 0 ? page % 3 : 0) : (page + at) | 1);
    }
}

bool is_whole(std::span<const std::byte> bytes) {
    std::vector<std::byte> expected(bytes.size());
    fill(expected);
    return std::ranges::equal(bytes, expected);
}

// A buffer over a memfd, were it shared, and where it is.
struct Private {
    explicit Private(std::size_t pages) : buffer("cache", pages * page_size() - 100, fill) {
        const auto lock = buffer.lock();
        first = lock.bytes().data();
        length = pages * page_size();
    }
    [[nodiscard]] std::byte* page(std::size_t number) const { return first + number * page_size(); }
    // asks the kernel to take its pages; how many are gone
    [[nodiscard]] std::size_t page_out() const {
        (void)madvise(first, length, MADV_PAGEOUT);
        std::vector<unsigned char> resident(length / page_size());
        if (mincore(first, length, resident.data()) != 0) return 0;
        return static_cast<std::size_t>(
            std::ranges::count_if(resident, [](auto flags) { return (flags & 1) == 0; }));
    }
    test::Backend backend{"memfd"};
    PurgeableBuffer buffer;
    std::byte* first = nullptr;
    std::size_t length = 0;
};

// mlock(), which sanitizers replace by nothing
long lock_memory(void* first, std::size_t length) {
    return syscall(SYS_mlock, first, length);
}

std::size_t descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

} // namespace

TEST_CASE("a private PurgeableBuffer of which nothing was lost is as it was",
          "[library][anywhere]") {
    Private memory(7);
    for (int round = 0; round < 3; ++round) {
        const auto lock = memory.buffer.lock();
        CHECK_FALSE(lock.rebuilt());
        CHECK(is_whole(lock.bytes()));
    }
}

TEST_CASE("any page that a private PurgeableBuffer lost is found out", "[library][anywhere]") {
    const std::size_t pages = 7;
    Private memory(pages);
    for (std::size_t page = 0; page < pages; ++page) {
        REQUIRE(madvise(memory.page(page), page_size(), MADV_DONTNEED) == 0);
        {
            const auto lock = memory.buffer.lock();
            CHECK(lock.rebuilt());
            CHECK(is_whole(lock.bytes()));
        }
        CHECK_FALSE(memory.buffer.lock().rebuilt());
    }
}

TEST_CASE("what the kernel takes of a private PurgeableBuffer is found out",
          "[library][anywhere]") {
    Private memory(256);
    int losses = 0;
    for (int round = 0; round < 10; ++round) {
        const bool lost = memory.page_out() > 0;
        const auto lock = memory.buffer.lock();
        if (lost) CHECK(lock.rebuilt());
        CHECK(is_whole(lock.bytes()));
        losses += lost;
    }
    CHECK(losses > 0);
}

TEST_CASE("nothing is lost of a private PurgeableBuffer while it is locked",
          "[library][anywhere]") {
    Private memory(64);
    const auto outer = memory.buffer.lock();
    for (int round = 0; round < 3; ++round) {
        (void)memory.page_out();
        CHECK(is_whole(outer.bytes()));
        CHECK_FALSE(memory.buffer.lock().rebuilt());
    }
}

TEST_CASE("a private PurgeableBuffer in locked memory is never lost", "[library][anywhere]") {
    Private memory(4);
    REQUIRE(lock_memory(memory.first, memory.length) == 0);
    for (int round = 0; round < 3; ++round) {
        CHECK(memory.page_out() == 0);
        const auto lock = memory.buffer.lock();
        CHECK_FALSE(lock.rebuilt());
        CHECK(is_whole(lock.bytes()));
    }
}

TEST_CASE("a private PurgeableBuffer that was partly locked tells what it lost",
          "[library][anywhere]") {
    Private memory(64);
    REQUIRE(lock_memory(memory.page(60), page_size()) == 0);
    { const auto lock = memory.buffer.lock(); }
    const bool lost = memory.page_out() > 0;
    const auto lock = memory.buffer.lock();
    if (lost) CHECK(lock.rebuilt());
    CHECK(is_whole(lock.bytes()));
}

TEST_CASE("the memory of what failed to be built is given back at once", "[library][host]") {
    const test::Backend memfd("memfd");
    std::span<std::byte> last;
    const auto fail = [&](std::span<std::byte> bytes) {
        std::ranges::fill(bytes, std::byte{1});
        last = bytes;
        throw std::runtime_error("no source");
    };
    const auto resident = [&] {
        std::vector<unsigned char> pages(last.size() / page_size());
        REQUIRE(mincore(last.data(), last.size(), pages.data()) == 0);
        return std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; });
    };
    PurgeableBuffer buffer("buffer", 16 * page_size(), fail);
    CHECK_THROWS_WITH(buffer.lock(), "no source");
    CHECK(resident() == 0);

    ashmem::PurgeableCache cache("cache", 32 * page_size(), [&](auto key, auto bytes) {
        if (key == "bad") fail(bytes);
    });
    const auto other = cache.get("good", page_size()); // by which their memory stays
    CHECK_THROWS_WITH(cache.get("bad", 16 * page_size()), "no source");
    CHECK(resident() == 0);
}

TEST_CASE("a private PurgeableBuffer holds no descriptor", "[library][anywhere]") {
    const std::size_t before = descriptors();
    Private memory(1);
    CHECK(descriptors() == before);
    CHECK_FALSE(memory.buffer.region().ok());
}

TEST_CASE("parent and child each find out what a private PurgeableBuffer lost",
          "[library][anywhere]") {
    Private memory(64);
    CHECK(test::in_child([&] {
              if (memory.buffer.lock().rebuilt()) return 1;
              if (madvise(memory.page(3), page_size(), MADV_DONTNEED) != 0) return 2;
              const auto lock = memory.buffer.lock();
              if (!lock.rebuilt() || !is_whole(lock.bytes())) return 3;
              std::ranges::fill(lock.bytes(), std::byte{9});
              return 0;
          }) == 0);
    CHECK_FALSE(memory.buffer.lock().rebuilt());

    // pages that both still share, given up before the fork
    test::Child child([&] {
        const bool lost = memory.page_out() > 0;
        const auto lock = memory.buffer.lock();
        return (lock.rebuilt() || !lost) && is_whole(lock.bytes()) ? 0 : 1;
    });
    for (int round = 0; round < 10; ++round) {
        const bool lost = memory.page_out() > 0;
        const auto lock = memory.buffer.lock();
        if (lost) CHECK(lock.rebuilt());
        CHECK(is_whole(lock.bytes()));
    }
    CHECK(child.wait() == 0);
}

TEST_CASE("threads find a private PurgeableBuffer whole while the kernel takes it",
          "[library][anywhere]") {
    Private memory(8);
    std::atomic<bool> whole{true}, done{false};
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < test::rounds(200); ++round)
                if (!is_whole(memory.buffer.lock().bytes())) whole = false;
        });
    std::thread taker([&] {
        while (!done)
            (void)madvise(memory.first, memory.length, MADV_PAGEOUT);
    });
    for (auto& thread : threads)
        thread.join();
    done = true;
    taker.join();
    CHECK(whole);
}

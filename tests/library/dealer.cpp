// SPDX-License-Identifier: Apache-2.0
// MemoryDealer: which part of its heap is whose.
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"

using android::IMemory;
using android::MemoryDealer;
using android::sp;
using test::page_size;

namespace {

std::vector<ssize_t> offsets_of(const std::vector<sp<IMemory>>& windows) {
    std::vector<ssize_t> all;
    all.reserve(windows.size());
    for (const auto& window : windows)
        all.push_back(window->offset());
    return all;
}

} // namespace

TEST_CASE("windows lie one after the other at multiples of 32", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(1024, "dealer");
    CHECK(MemoryDealer::getAllocationAlignment() == 32);
    std::vector<sp<IMemory>> windows;
    windows.reserve(4);
    for (std::size_t size : {100, 32, 200})
        windows.push_back(dealer->allocate(size));
    CHECK(offsets_of(windows) == std::vector<ssize_t>{0, 128, 160});
    CHECK(windows[0]->size() == 100);
    CHECK(windows[0]->getMemory() == dealer->getMemoryHeap());
    CHECK(dealer->free_space() == dealer->getMemoryHeap()->getSize() - 128 - 32 - 224);
}

TEST_CASE("a hole that is given back is taken again", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(1024);
    std::vector<sp<IMemory>> windows;
    windows.reserve(4);
    for (int i = 0; i < 3; ++i)
        windows.push_back(dealer->allocate(32));
    windows[1].clear();
    CHECK(dealer->allocate(20)->offset() == 32);
}

TEST_CASE("the smallest hole that is large enough is taken", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(4096);
    std::vector<sp<IMemory>> windows;
    windows.reserve(4);
    for (std::size_t size : {256, 32, 96, 32})
        windows.push_back(dealer->allocate(size));
    windows[0].clear();
    windows[2].clear();
    const auto small = dealer->allocate(90), large = dealer->allocate(100);
    CHECK(small->offset() == 288);
    CHECK(large->offset() == 0);
}

TEST_CASE("holes that touch become one, on both sides", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(page_size());
    std::vector<sp<IMemory>> windows;
    windows.reserve(4);
    for (int i = 0; i < 4; ++i)
        windows.push_back(dealer->allocate(page_size() / 4));
    CHECK(dealer->free_space() == 0);
    CHECK(dealer->allocate(1) == nullptr);
    windows[0].clear();
    windows[2].clear();
    CHECK(dealer->largest_free_block() == page_size() / 4);
    windows[1].clear();
    CHECK(dealer->largest_free_block() == page_size() / 4 * 3);
    CHECK(dealer->allocate(page_size() / 4 * 3)->offset() == 0);
}

TEST_CASE("no bytes are no part, and too many are null", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(page_size());
    const auto none = dealer->allocate(0);
    REQUIRE(none != nullptr);
    CHECK(none->size() == 0);
    CHECK(none->offset() == 0);
    CHECK(dealer->free_space() == page_size());
    CHECK(dealer->allocate(page_size() + 1) == nullptr);
    CHECK(dealer->allocate(SIZE_MAX) == nullptr);
    CHECK(dealer->allocate(SIZE_MAX - 31) == nullptr);
    CHECK(dealer->allocate(page_size()) != nullptr);
}

TEST_CASE("a dealer without memory deals nothing", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(0);
    CHECK(dealer->allocate(1) == nullptr);
    CHECK(dealer->free_space() == 0);
}

TEST_CASE("a dealer whose heap is not mapped deals windows for others to map",
          "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(4 * page_size(), "dealer",
                                               android::MemoryHeapBase::DONT_MAP_LOCALLY);
    auto window = dealer->allocate(2 * page_size());
    REQUIRE(window != nullptr);
    CHECK(window->unsecurePointer() == nullptr);
    window.clear();
    CHECK(dealer->largest_free_block() == 4 * page_size());
}

TEST_CASE("dump tells which parts of a dealer's heap are taken", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(page_size());
    auto first = dealer->allocate(64);
    const auto second = dealer->allocate(100);
    first.clear();
    std::ostringstream text;
    auto* const before = std::cerr.rdbuf(text.rdbuf());
    dealer->dump("what");
    std::cerr.rdbuf(before);
    const std::string rest = std::to_string(page_size() - 192);
    CHECK(text.str() == "what\n  0: 64 free\n  64: 128 taken\n  192: " + rest + " free\n");
}

TEST_CASE("windows outlive their dealer", "[library][anywhere]") {
    auto dealer = sp<MemoryDealer>::make(page_size());
    const auto window = dealer->allocate(64);
    dealer.clear();
    std::memset(window->unsecurePointer(), 1, 64);
    CHECK(window->size() == 64);
}

TEST_CASE("the pages of a window that ends are given back", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(16 * page_size());
    const auto neighbour = dealer->allocate(100);
    auto window = dealer->allocate(8 * page_size());
    std::memset(neighbour->unsecurePointer(), 1, 100);
    auto* const bytes = static_cast<char*>(window->unsecurePointer());
    std::memset(bytes, 2, 8 * page_size());
    const ssize_t offset = window->offset();
    window.clear();
    // the whole pages read as zeros; what shares one with the neighbour does not
    const std::size_t skipped = page_size() - static_cast<std::size_t>(offset) % page_size();
    CHECK(bytes[0] == 2);
    CHECK(bytes[skipped] == 0);
    CHECK(bytes[7 * page_size()] == 0);
    CHECK(*static_cast<char*>(neighbour->unsecurePointer()) == 1);
}

TEST_CASE("random windows never overlap, and all comes back", "[library][anywhere]") {
    std::mt19937 random(20);
    const auto dealer = sp<MemoryDealer>::make(64 << 10);
    const std::size_t whole = dealer->free_space();
    std::map<ssize_t, sp<IMemory>> windows;
    for (int round = 0; round < 3000; ++round) {
        if (random() % 2 && !windows.empty()) {
            windows.erase(
                std::next(windows.begin(), static_cast<std::ptrdiff_t>(random() % windows.size())));
            continue;
        }
        const std::size_t size = 1 + random() % 2000;
        const std::size_t largest = dealer->largest_free_block();
        const auto window = dealer->allocate(size);
        REQUIRE((window != nullptr) == (size <= largest));
        if (window == nullptr) continue;
        const auto next = windows.lower_bound(window->offset());
        if (next != windows.end())
            REQUIRE(window->offset() + static_cast<ssize_t>(size) <= next->first);
        if (next != windows.begin()) {
            const auto& before = std::prev(next)->second;
            REQUIRE(before->offset() + static_cast<ssize_t>(before->size()) <= window->offset());
        }
        windows[window->offset()] = window;
    }
    windows.clear();
    CHECK(dealer->free_space() == whole);
    CHECK(dealer->largest_free_block() == whole);
}

TEST_CASE("many threads are dealt memory of their own", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(256 << 10);
    const std::size_t whole = dealer->free_space();
    std::atomic<bool> own{true};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 1; i <= 4; ++i)
        threads.emplace_back([&, i] {
            std::mt19937 random(static_cast<unsigned>(i));
            for (int round = 0; round < 500; ++round) {
                const std::size_t size = 1 + random() % 4000;
                const auto window = dealer->allocate(size);
                if (window == nullptr) continue;
                auto* const bytes = static_cast<char*>(window->unsecurePointer());
                std::memset(bytes, i, size);
                std::this_thread::yield();
                for (std::size_t at = 0; at < size; ++at)
                    if (bytes[at] != i) own = false;
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(own);
    CHECK(dealer->free_space() == whole);
}

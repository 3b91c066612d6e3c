// SPDX-License-Identifier: Apache-2.0
// What is left when memory runs out within a call: as much as before.
#include "support/scarcity.hpp"

#include <binder/MemoryDealer.h>
#include <fcntl.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "support/region.hpp"

using android::MemoryDealer;
using android::sp;
using ashmem::MemoryFile;
using ashmem::PurgeableCache;
using test::page_size;

namespace {

// How often a call threw before there was memory enough for it.
template <class Call>
int failures_of(Call call) {
    for (int allocations = 0;; ++allocations) {
        const test::Scarcity scarcity(allocations);
        try {
            call();
            return allocations;
        } catch (const std::bad_alloc&) {
            continue;
        }
    }
}

} // namespace

TEST_CASE("a window that could not be made leaves its hole", "[library][anywhere]") {
    const auto dealer = sp<MemoryDealer>::make(64 * page_size(), "dealer");
    sp<android::IMemory> window;
    CHECK(failures_of([&] { window = dealer->allocate(64 * page_size()); }) > 0);
    CHECK(window != nullptr);
    window.clear();
    CHECK(dealer->largest_free_block() == 64 * page_size());
    CHECK(failures_of([&] { window = dealer->allocate(0); }) > 0);
    CHECK(dealer->free_space() == 64 * page_size());
}

TEST_CASE("an entry that could not be made leaves its room", "[library][anywhere]") {
    PurgeableCache cache("cache", 4 * page_size(), [](auto, auto) {});
    std::vector<PurgeableCache::Handle> handles(4);
    const std::string key(100, 'k'); // longer than a string has room for
    for (std::size_t i = 0; i < handles.size(); ++i) {
        const std::string its_key = key + std::to_string(i);
        CHECK(failures_of([&] { handles[i] = cache.get(its_key, page_size()); }) > 0);
    }
    CHECK(cache.statistics().entries == handles.size());
    CHECK(cache.statistics().regions == 1);
}

TEST_CASE("a MemoryFile that could not be made is closed, and ENOMEM", "[library][anywhere]") {
    MemoryFile first("file", 100);
    std::error_code made, adopted;
    ashmem::unique_fd fd(fcntl(first.getFd(), F_DUPFD_CLOEXEC, 0));
    const int number = fd.get();
    const auto in_scarcity = [](auto make) {
        const test::Scarcity none(0);
        return make();
    };
    const auto file = in_scarcity([&] { return MemoryFile("file", 100, made); });
    const auto same = in_scarcity([&] { return MemoryFile(std::move(fd), adopted); });
    CHECK(made.value() == ENOMEM);
    CHECK(adopted.value() == ENOMEM);
    CHECK(file.getFd() == -1);
    CHECK(same.length() == 0);
    CHECK(fcntl(number, F_GETFD) == -1);
}

// SPDX-License-Identifier: Apache-2.0
// Each system call of what is built on regions fails once: buffers, caches, resources, locks.
// What was there before it works afterwards.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>

#include "support/call_fault.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::Mapping;
using ashmem::Prot;
using ashmem::PurgeableBuffer;
using ashmem::PurgeableCache;
using ashmem::Region;
using ashmem::RegionResource;
using ashmem::SharedMutex;
using test::CallFault;
using test::need;
using test::page_size;

namespace {

Region made() {
    return Region::create("swept", 2 * page_size());
}

void fill(std::span<std::byte> bytes) {
    std::ranges::fill(bytes, std::byte{7});
}

bool is_filled(std::span<const std::byte> bytes) {
    return std::ranges::count(bytes, std::byte{7}) == static_cast<std::ptrdiff_t>(bytes.size());
}

void need_locks(PurgeableBuffer& buffer) {
    need(is_filled(buffer.lock().bytes()), "the bytes are others");
}

} // namespace

TEST_CASE("a PurgeableBuffer is whole or not there, whichever system call fails",
          "[library][anywhere]") {
    for (const auto use : {PurgeableBuffer::Use::own, PurgeableBuffer::Use::shared}) {
        const auto buffer_of = [use] {
            return PurgeableBuffer("swept", 2 * page_size(), fill, use);
        };
        test::sweep_calls({
            {"making one",
             [=](CallFault& fault) {
                 std::optional<PurgeableBuffer> buffer;
                 fault.in([&] {
                     buffer.emplace(buffer_of());
                     return 0;
                 });
                 if (buffer) need_locks(*buffer);
             }},
            {"the first lock",
             [=](CallFault& fault) {
                 auto buffer = buffer_of();
                 fault.in([&] {
                     need_locks(buffer);
                     return 0;
                 });
                 need_locks(buffer);
             }},
            {"a lock again",
             [=](CallFault& fault) {
                 auto buffer = buffer_of();
                 need_locks(buffer);
                 fault.in([&] {
                     need_locks(buffer);
                     return 0;
                 });
                 need_locks(buffer);
                 // there is one lock at a time, so that nothing counts as held
                 need(buffer.lock().bytes().size() == 2 * page_size(), "its size");
             }},
        });
    }
}

TEST_CASE("a PurgeableCache has an entry or not, whichever system call fails",
          "[library][anywhere]") {
    const auto cache = [] {
        return PurgeableCache("swept", 4 * page_size(), [](auto, auto bytes) { fill(bytes); });
    };
    const auto need_entry = [](PurgeableCache& from, const char* key) {
        need(is_filled(from.get(key, 2 * page_size()).bytes()), "the bytes are others");
        need(from.statistics().held == 0, "an entry is held by nobody");
    };
    test::sweep_calls({
        {"the first entry",
         [=](CallFault& fault) {
             auto its = cache();
             const int error = fault.in([&] {
                 need_entry(its, "a");
                 return 0;
             });
             need(its.statistics().entries == (error == 0 ? 1 : 0), "an entry that is none");
             for (const char* key : {"a", "b", "c"})
                 need_entry(its, key);
         }},
        {"an entry again",
         [=](CallFault& fault) {
             auto its = cache();
             need_entry(its, "a");
             fault.in([&] {
                 need_entry(its, "a");
                 return 0;
             });
             for (const char* key : {"a", "b", "c"})
                 need_entry(its, key);
         }},
        {"an entry in the place of another",
         [=](CallFault& fault) {
             auto its = cache();
             need_entry(its, "a");
             need_entry(its, "b");
             fault.in([&] {
                 need_entry(its, "c");
                 return 0;
             });
             for (const char* key : {"a", "b", "c"})
                 need_entry(its, key);
         }},
    });
}

TEST_CASE("a RegionResource is made and attached or not there, whichever system call fails",
          "[library][anywhere]") {
    const auto need_number = [](const Region& region) {
        const auto resource = RegionResource::attach_anywhere(region);
        std::error_code ec;
        const auto* const number = resource->at<const int>(resource->root(ec));
        need(number != nullptr && *number == 7, "its root");
    };
    const auto publish = [](RegionResource& resource) {
        resource.publish(*std::pmr::polymorphic_allocator<>(&resource).new_object<int>(7));
    };
    test::sweep_calls({
        {"create",
         [=](CallFault& fault) {
             const Region region = made();
             std::unique_ptr<RegionResource> resource;
             const int error = fault.in([&] {
                 resource = RegionResource::create(region);
                 return 0;
             });
             need((resource != nullptr) == (error == 0), "whether there is one");
             // what failed left the region as it was
             if (error != 0) resource = RegionResource::create(region);
             publish(*resource);
             need_number(region);
         }},
        {"attach",
         [=](CallFault& fault) {
             const Region region = made();
             publish(*RegionResource::create(region));
             std::unique_ptr<RegionResource> resource;
             // its address may be the thread's own by now
             const int error = fault.in(
                 [&] {
                     resource = RegionResource::attach(region);
                     return 0;
                 },
                 {EEXIST});
             need((resource != nullptr) == (error == 0), "whether there is one");
             need_number(region);
         }},
    });
}

TEST_CASE("a SharedMutex is one thread's, whichever system call fails", "[library][anywhere]") {
    struct Shared {
        Region region = made();
        Mapping map = region.map(Prot::read_write);
        SharedMutex& mutex = SharedMutex::create_in(map.bytes());
        volatile std::byte& held = map.bytes()[page_size()];
    };
    const auto taken = [](const Shared& shared) { return shared.mutex.try_lock().owns_lock(); };
    // a process that holds the lock
    const auto hold = [](const Shared& shared) {
        auto child = std::make_unique<test::Child>([&] {
            const auto lock = shared.mutex.lock();
            shared.held = std::byte{1};
            pause();
            return 0;
        });
        while (shared.held == std::byte{0})
            usleep(100);
        return child;
    };
    test::sweep_calls({
        {"a free lock",
         [=](CallFault& fault) {
             const Shared shared;
             fault.in([&] {
                 need(taken(shared), "it is not free");
                 return 0;
             });
             need(taken(shared), "it was not unlocked");
         }},
        {"a lock that is unlocked later",
         [=](CallFault& fault) {
             const Shared shared;
             std::unique_ptr<SharedMutex::Lock> lock;
             fault.in([&] {
                 lock = std::make_unique<SharedMutex::Lock>(shared.mutex.lock());
                 return 0;
             });
             lock.reset();
             // its thread has ended, from which anybody could take what it still held
             const auto next = shared.mutex.try_lock();
             need(next.owns_lock() && !next.owner_died(), "it was not unlocked");
         }},
        {"a lock that a process holds",
         [=](CallFault& fault) {
             const Shared shared;
             const auto holder = hold(shared);
             fault.in([&] {
                 need(!taken(shared), "there are two who hold it");
                 return 0;
             });
             need(!taken(shared), "there are two who hold it, later");
         }},
        {"a lock whose holder died",
         [=](CallFault& fault) {
             const Shared shared;
             hold(shared)->kill();
             fault.in([&] {
                 (void)taken(shared);
                 return 0;
             });
             const auto lock = shared.mutex.lock();
             need(lock.owner_died(), "nobody says that it was held");
         }},
    });
}

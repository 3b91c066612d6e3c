// SPDX-License-Identifier: Apache-2.0
// SharedMutex: a lock in the region, and the death of its holder.
#include <signal.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::Prot;
using ashmem::Region;
using ashmem::SharedMutex;
using test::Child;
using test::in_child;
using test::page_size;

namespace {

// a region with a lock and, on the next cache line, what it protects
struct Shared {
    Region region = Region::create("locked", page_size());
    ashmem::Mapping mapping = region.map(Prot::read_write);
    SharedMutex& mutex = SharedMutex::create_in(mapping.bytes());
    volatile long* numbers = reinterpret_cast<volatile long*>(mapping.bytes().data() + 256);
};

// Takes the lock in a child that is killed with it.
void die_with(const Shared& shared) {
    Child child([&] {
        auto lock = shared.mutex.lock();
        shared.numbers[0] = shared.numbers[0] + 1; // and never the second
        shared.numbers[7] = 1;
        pause();
        return 0;
    });
    while (shared.numbers[7] == 0)
        usleep(1000);
    child.kill();
    child.wait();
    shared.numbers[7] = 0;
}

template <class Call>
int error_of(Call call) {
    std::error_code ec;
    call(ec);
    return ec.value();
}

} // namespace

TEST_CASE("a lock in a region keeps processes apart", "[library][anywhere]") {
    const Shared shared;
    const auto count = [&](SharedMutex& mutex) {
        for (int i = 0; i < 5000; ++i) {
            const auto lock = mutex.lock();
            const long seen = shared.numbers[0];
            shared.numbers[1] = seen;
            shared.numbers[0] = seen + 1;
            if (shared.numbers[1] != seen) return 1;
        }
        return 0;
    };
    // each by a map of its own
    const auto other = [&] {
        auto mapping = shared.region.map(Prot::read_write);
        return count(SharedMutex::attach_in(mapping.bytes()));
    };
    Child first(other), second(other);
    CHECK(count(shared.mutex) == 0);
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(shared.numbers[0] == 15000);
}

TEST_CASE("who comes after a dead holder is told, and recovers", "[library][anywhere]") {
    const Shared shared;
    die_with(shared);
    {
        auto lock = shared.mutex.lock();
        CHECK(lock.owns_lock());
        CHECK(lock.owner_died());
        CHECK(shared.numbers[0] == 1);
        shared.numbers[1] = shared.numbers[0];
        lock.make_consistent();
        CHECK_FALSE(lock.owner_died());
    }
    const auto lock = shared.mutex.lock();
    CHECK(lock.owns_lock());
    CHECK_FALSE(lock.owner_died());
}

TEST_CASE("who waits for a holder that dies gets the lock", "[library][anywhere]") {
    const Shared shared;
    Child holder([&] {
        auto lock = shared.mutex.lock();
        shared.numbers[7] = 1;
        pause();
        return 0;
    });
    while (shared.numbers[7] == 0)
        usleep(1000);
    Child waiter([&] {
        shared.numbers[6] = 1;
        auto lock = shared.mutex.lock();
        lock.make_consistent();
        return lock.owns_lock() ? 3 : 4;
    });
    while (shared.numbers[6] == 0)
        usleep(1000);
    usleep(10000);
    CHECK(waiter.running());
    holder.kill();
    CHECK(waiter.wait() == 3);
}

TEST_CASE("a lock that nobody recovered is ENOTRECOVERABLE from then on", "[library][anywhere]") {
    const Shared shared;
    die_with(shared);
    { const auto lock = shared.mutex.lock(); }
    CHECK(error_of([&](auto& ec) { (void)shared.mutex.lock(ec); }) == ENOTRECOVERABLE);
    CHECK(error_of([&](auto& ec) { (void)shared.mutex.try_lock(ec); }) == ENOTRECOVERABLE);
    CHECK_THROWS_AS(shared.mutex.lock(), std::system_error);
}

TEST_CASE("try_lock answers at once, and a second lock of one thread is EDEADLK",
          "[library][anywhere]") {
    const Shared shared;
    const auto lock = shared.mutex.try_lock();
    CHECK(lock.owns_lock());
    CHECK(in_child([&] {
              std::error_code ec;
              return shared.mutex.try_lock(ec).owns_lock() || ec ? 1 : 0;
          }) == 0);
    CHECK(error_of([&](auto& ec) { (void)shared.mutex.lock(ec); }) == EDEADLK);
}

TEST_CASE("a lock is made once, in bytes that fit it", "[library][anywhere]") {
    const Shared shared;
    auto mapping = shared.region.map(Prot::read_write);
    const auto bytes = mapping.bytes();
    const auto create = [](std::span<std::byte> at) {
        return error_of([&](auto& ec) { (void)SharedMutex::create_in(at, ec); });
    };
    const auto attach = [](std::span<std::byte> at) {
        return error_of([&](auto& ec) { (void)SharedMutex::attach_in(at, ec); });
    };
    CHECK(create(bytes) == EEXIST);
    CHECK(attach(bytes) == 0);
    CHECK(create(bytes.first(sizeof(SharedMutex) - 1)) == EINVAL);
    CHECK(create(bytes.subspan(1)) == EINVAL);
    CHECK(attach(bytes.subspan(1)) == EINVAL);
    CHECK(attach({}) == EINVAL);
    CHECK(attach(bytes.subspan(512)) == EAGAIN);
    bytes[512] = std::byte{99};
    CHECK(attach(bytes.subspan(512)) == EPROTO);
    CHECK(create(bytes.subspan(512)) == EEXIST);
}

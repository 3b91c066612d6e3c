// SPDX-License-Identifier: Apache-2.0
// SharedMutex: a lock in the region, and the death of its holder.
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <bit>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

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

// The lock, which a test that is broken must not wait for without an end.
SharedMutex::Lock in_time(SharedMutex& mutex) {
    auto lock = mutex.try_lock_until(SharedMutex::Clock::now() + std::chrono::seconds(30));
    if (!lock.owns_lock()) throw std::runtime_error("the lock did not become free");
    return lock;
}

// Takes the lock in a child that is killed with it.
void die_with(const Shared& shared) {
    Child child([&] {
        auto lock = in_time(shared.mutex);
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

// Lets a lock go once another thread sleeps until then, and tells what that found.
bool unlock_before(SharedMutex::Lock lock, const std::function<bool()>& wait) {
    std::atomic<pid_t> waiter{0};
    bool found = false;
    std::thread thread([&] {
        waiter = static_cast<pid_t>(syscall(SYS_gettid));
        found = wait();
    });
    while (waiter == 0)
        std::this_thread::yield();
    test::wait_until_asleep(waiter);
    // a first, short wait is over by then
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    lock.unlock();
    thread.join();
    return found;
}

} // namespace

TEST_CASE("a lock in a region keeps processes apart", "[library][anywhere]") {
    const Shared shared;
    const auto count = [&](SharedMutex& mutex) {
        for (int i = 0; i < 5000; ++i) {
            const auto lock = in_time(mutex);
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
        auto lock = in_time(shared.mutex);
        CHECK(lock.owns_lock());
        CHECK(lock.owner_died());
        CHECK(shared.numbers[0] == 1);
        shared.numbers[1] = shared.numbers[0];
        lock.make_consistent();
        CHECK_FALSE(lock.owner_died());
    }
    const auto lock = in_time(shared.mutex);
    CHECK(lock.owns_lock());
    CHECK_FALSE(lock.owner_died());
}

TEST_CASE("who waits for a holder that dies gets the lock", "[library][anywhere]") {
    const Shared shared;
    Child holder([&] {
        auto lock = in_time(shared.mutex);
        shared.numbers[7] = 1;
        pause();
        return 0;
    });
    while (shared.numbers[7] == 0)
        usleep(1000);
    Child waiter([&] {
        shared.numbers[6] = 1;
        alarm(60);
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

TEST_CASE("until somebody recovers, all who get the lock are told of a death",
          "[library][anywhere]") {
    const Shared shared;
    die_with(shared);
    for (int i = 0; i < 2; ++i) {
        const auto lock = in_time(shared.mutex);
        CHECK(lock.owner_died());
    }
    CHECK(in_child([&] {
              auto lock = in_time(shared.mutex);
              const bool told = lock.owner_died();
              lock.make_consistent();
              return told ? 0 : 1;
          }) == 0);
    CHECK_FALSE(in_time(shared.mutex).owner_died());
}

TEST_CASE("a thread that ended with the lock held is dead, though its process lives",
          "[library][anywhere]") {
    const Shared shared;
    std::optional<SharedMutex::Lock> taken;
    std::thread([&] { taken.emplace(in_time(shared.mutex)); }).join();
    CHECK(in_time(shared.mutex).owner_died());
    // which holds nothing any more
    taken.reset();
    CHECK(shared.mutex.try_lock().owns_lock());
}

TEST_CASE("who cannot wait gets a dead holder's lock too", "[library][anywhere]") {
    const Shared shared;
    std::error_code ec;
    die_with(shared);
    CHECK(shared.mutex.try_lock(ec).owner_died());
    die_with(shared);
    CHECK(shared.mutex.try_lock_until(SharedMutex::Clock::now(), ec).owner_died());
}

TEST_CASE("a lock may end in another thread", "[library][anywhere]") {
    const Shared shared;
    auto lock = in_time(shared.mutex);
    std::thread([moved = std::move(lock)]() mutable { moved.unlock(); }).join();
    const auto next = in_time(shared.mutex);
    CHECK(next.owns_lock());
    CHECK_FALSE(next.owner_died());
}

TEST_CASE("a forked child's copy of a lock holds nothing", "[library][anywhere]") {
    const Shared shared;
    auto lock = in_time(shared.mutex);
    CHECK(in_child([&] {
              lock.unlock();
              std::error_code ec;
              return shared.mutex.try_lock(ec).owns_lock() || ec ? 1 : 0;
          }) == 0);
    CHECK(error_of([&](auto& ec) { (void)shared.mutex.try_lock(ec); }) == EDEADLK);
}

TEST_CASE("a lock that is not free in time is not had", "[library][anywhere]") {
    const Shared shared;
    auto lock = in_time(shared.mutex);
    CHECK(in_child([&] {
              const auto until = SharedMutex::Clock::now() + std::chrono::milliseconds(120);
              std::error_code ec;
              const bool had = shared.mutex.try_lock_until(until, ec).owns_lock();
              return had || ec || SharedMutex::Clock::now() < until ? 1 : 0;
          }) == 0);
    // whoever waited in vain left the lock as it was
    lock.unlock();
    CHECK(shared.mutex.try_lock().owns_lock());
}

TEST_CASE("who lets a lock go wakes one who waits for it", "[library][anywhere]") {
    Shared shared;
    CHECK(unlock_before(in_time(shared.mutex), [&] { return in_time(shared.mutex).owns_lock(); }));

    auto lock = in_time(shared.mutex);
    // whoever waits in vain leaves a mark that somebody may wait
    REQUIRE(in_child([&] {
                const auto until = SharedMutex::Clock::now() + std::chrono::milliseconds(200);
                return shared.mutex.try_lock_until(until).owns_lock() ? 1 : 0;
            }) == 0);
    auto* const word = reinterpret_cast<std::uint32_t*>(shared.mapping.bytes().data() + 8) +
                       (std::endian::native == std::endian::big ? 1 : 0);
    const std::uint32_t held = std::atomic_ref(*word);
    REQUIRE(held >> 31 == 1);
    // waits as the lock does, but never looks by itself
    const bool woken = unlock_before(std::move(lock), [&] {
        const timespec most{10, 0};
        return syscall(SYS_futex, word, FUTEX_WAIT, held, &most, nullptr, 0) == 0;
    });
    CHECK(woken);
}

TEST_CASE("a lock can be taken over, and its holder then lets go of nothing",
          "[library][anywhere]") {
    const Shared shared;
    auto before = in_time(shared.mutex);
    std::thread([&] {
        auto taken = shared.mutex.take_over();
        CHECK(taken.owner_died());
        before.unlock();
        std::thread([&] { CHECK_FALSE(shared.mutex.try_lock().owns_lock()); }).join();
        taken.make_consistent();
    }).join();
    CHECK_FALSE(in_time(shared.mutex).owner_died());
}

TEST_CASE("a free lock that is taken over has nothing to recover", "[library][anywhere]") {
    const Shared shared;
    auto lock = shared.mutex.take_over();
    CHECK(lock.owns_lock());
    CHECK_FALSE(lock.owner_died());
    for (int i = 0; i < 2; ++i, lock.unlock())
        lock.make_consistent();
    CHECK_FALSE(shared.mutex.try_lock().owner_died());
}

TEST_CASE("whatever a peer writes into a held lock, only its meaning is lost",
          "[library][anywhere]") {
    Shared shared;
    const auto bytes = shared.mapping.bytes();
    std::mt19937_64 random(7);
    for (int round = 0; round < 2000; ++round) {
        auto lock = shared.mutex.try_lock();
        for (auto& byte : bytes.first(sizeof(SharedMutex)))
            byte = static_cast<std::byte>(round == 0 ? 0xff : random());
        lock.unlock();
        std::error_code ec;
        const auto until = SharedMutex::Clock::now() + std::chrono::microseconds(10);
        { const auto other = shared.mutex.try_lock_until(until, ec); }
        const auto taken = shared.mutex.take_over();
        CHECK(taken.owns_lock());
    }
    // the peer has stopped: all is as ever
    in_time(shared.mutex).make_consistent();
    CHECK_FALSE(in_time(shared.mutex).owner_died());
    CHECK(std::ranges::all_of(bytes.subspan(sizeof(SharedMutex)),
                              [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST_CASE("a holder that cannot be is dead, and one whose start is not known is not",
          "[library][anywhere]") {
    Shared shared;
    // its last word: the thread's number below bit 22, `waiters` in bit 31, its start above
    auto* const word = reinterpret_cast<volatile std::uint64_t*>(shared.mapping.bytes().data() + 8);
    std::uint64_t self = 0;
    {
        const auto lock = in_time(shared.mutex);
        self = *word;
    }
    constexpr std::uint64_t number = (1 << 22) - 1, start = 0xffffffULL << 32;
    constexpr std::uint64_t waiters = std::uint64_t{1} << 31;
    const auto with = [&](std::uint64_t holder) {
        *word = holder;
        auto lock = shared.mutex.try_lock();
        const std::string_view found = !lock.owns_lock()   ? "held"
                                       : lock.owner_died() ? "dead"
                                                           : "free";
        lock.make_consistent();
        return found;
    };
    CHECK(with(self & ~number) == "dead");
    CHECK(with(self ^ start) == "dead"); // another thread that had this one's number before
    CHECK(with(waiters) == "free");
    CHECK(with(self & ~start) == "held");
    CHECK(with(0) == "free");
}

TEST_CASE("a creator that was killed leaves no lock half made", "[library][anywhere]") {
    for (int round = 0; round < 20; ++round) {
        const Region region = Region::create("locks", 64 * page_size());
        auto mapping = region.map(Prot::read_write);
        const auto place = [&](std::size_t at) {
            return mapping.bytes().subspan(at, sizeof(SharedMutex));
        };
        Child creator([&] {
            for (std::size_t at = 0; at < mapping.bytes().size(); at += sizeof(SharedMutex))
                (void)SharedMutex::create_in(place(at));
            pause();
            return 0;
        });
        std::error_code ec;
        while (SharedMutex::attach_in(place(16 * sizeof(SharedMutex)), ec) == nullptr)
            std::this_thread::yield();
        creator.kill();
        creator.wait();
        for (std::size_t at = 0; at < mapping.bytes().size(); at += sizeof(SharedMutex)) {
            SharedMutex* mutex = SharedMutex::attach_in(place(at), ec);
            if (ec.value() == EAGAIN) mutex = SharedMutex::create_in(place(at), ec);
            REQUIRE_FALSE(ec);
            REQUIRE(mutex->try_lock().owns_lock());
        }
    }
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

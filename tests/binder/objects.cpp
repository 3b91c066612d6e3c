// SPDX-License-Identifier: Apache-2.0
// How long an object is kept for the other processes that hold it: by its count, whatever
// the order in which threads execute what the driver sent them, and over the kernel's own
// driver.
#include "../libashmem/src/binder/objects.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "support/binder.hpp"

using namespace ashmem::binder;
using namespace std::chrono_literals;
using test::eventually;
using test::Looper;
using test::Manager;
using test::Service;
using test::serving;
using test::silent;

namespace {

// An object that only the others may still hold.
struct Sent {
    Objects objects;
    std::shared_ptr<Object> object = std::make_shared<test::Service>(nullptr);
    std::weak_ptr<Object> watched = object;
    std::uint64_t number = object->number();

    Sent() { objects.publish(object); }
    void acquire() { objects.acquire(number); }
    void release() { (void)objects.release(number); }
    void let_go() { object.reset(); }
    [[nodiscard]] bool ended() const { return watched.expired(); }
};

// A process that keeps the object that call 1 brings, until another call.
auto keeper() {
    return serving("keeper", [](Process&) {
        auto kept = std::make_shared<Reference>();
        return std::make_shared<Service>([kept](Call& call, Parcel&) {
            *kept = call.code == 1 ? call.in.object() : Reference();
            return 0;
        });
    });
}

} // namespace

TEST_CASE("an object that is held twice stays until its second release", "[library][host]") {
    Sent sent;
    sent.acquire();
    // of two threads, this one read a release before, and executes it now
    sent.acquire();
    sent.let_go();
    sent.release();
    CHECK(!sent.ended());
    CHECK(sent.objects.find(sent.number) != nullptr);
    sent.release();
    CHECK(sent.ended());
    CHECK(sent.objects.find(sent.number) == nullptr);
}

TEST_CASE("a release that comes before its acquire lets go of nothing later", "[library][host]") {
    Sent sent;
    sent.release();
    sent.acquire();
    sent.acquire();
    sent.let_go();
    CHECK(!sent.ended());
    sent.release();
    CHECK(sent.ended());
}

TEST_CASE("numbers that no object has are passed over", "[library][host]") {
    Sent sent;
    sent.objects.acquire(sent.number + 1);
    CHECK(sent.objects.release(sent.number + 1) == nullptr);
    CHECK(sent.objects.find(sent.number + 1) == nullptr);
}

TEST_CASE("an object lives as long as another process has it", "[library][binder]") {
    const Manager manager;
    auto server = keeper();
    const auto process = Process::open();
    const Looper looper(process);
    const auto service = find_service(*process, "keeper").remote;
    std::weak_ptr<Service> watched;
    {
        const auto ours = silent();
        watched = ours;
        Parcel in;
        in.object({ours, nullptr});
        (void)service->call(1, in);
    }
    std::this_thread::sleep_for(50ms);
    CHECK(!watched.expired());
    (void)service->call(2, Parcel());
    CHECK(eventually([&] { return watched.expired(); }));
}

TEST_CASE("an object that went out in a one-way call ends, though its sender says no more",
          "[library][binder]") {
    const Manager manager;
    auto server = keeper();
    const auto process = Process::open();
    const Looper looper(process);
    const auto service = find_service(*process, "keeper").remote;
    auto ours = silent();
    const std::weak_ptr<Service> watched = ours;
    Parcel in;
    in.object({std::move(ours), nullptr});
    service->call_one_way(1, in);
    in = Parcel();
    bool ended = false;
    std::thread([&] {
        (void)service->call(2, Parcel());
        ended = eventually([&] { return watched.expired(); });
    }).join();
    CHECK(ended);
}

TEST_CASE("an object that ends calls others, though a call to its process was read with its end",
          "[library][binder]") {
    const Manager manager;
    // 1 keeps an object; 2 lets go of the first, and calls the second without waiting
    auto keeper = serving("keeper", [](Process&) {
        auto kept = std::make_shared<std::vector<Reference>>();
        return std::make_shared<Service>([kept](Call& call, Parcel& out) {
            if (call.code == 1) kept->push_back(call.in.object());
            if (call.code == 2) {
                kept->erase(kept->begin());
                kept->front().remote->call_one_way(1, Parcel());
            }
            out.u32(call.code);
            return 0;
        });
    });
    const auto outcome = [] {
        const auto process = Process::open();
        const auto service = find_service(*process, "keeper").remote;
        std::uint32_t at_end = 0, when_called = 0;
        const auto give = [&](Service::Answer answer) {
            Parcel in;
            in.object({std::make_shared<Service>(std::move(answer)), nullptr});
            (void)service->call(1, in);
        };
        {
            const std::shared_ptr<void> last(
                nullptr, [&](void*) { at_end = service->call(3, Parcel()).u32(); });
            give([last](Call&, Parcel&) { return 0; });
        }
        give([&](Call&, Parcel&) {
            when_called = service->call(4, Parcel()).u32();
            return 0;
        });
        (void)service->call(2, Parcel());
        if (!eventually([&] {
                process->serve(0ms);
                return when_called != 0 && at_end != 0;
            }))
            return 1;
        return at_end == 3 && when_called == 4 ? 0 : 2;
    };
    CHECK(test::in_child([&] {
              alarm(120);
              return outcome();
          }) == 0);
}

TEST_CASE("who could not become the manager lets go of the object", "[library][binder]") {
    const Manager manager;
    const auto process = Process::open();
    std::weak_ptr<Object> watched;
    {
        const auto second = silent();
        watched = second;
        CHECK_THROWS_AS(process->become_context_manager(second), std::system_error);
    }
    CHECK(watched.expired());
}

// SPDX-License-Identifier: Apache-2.0
// Threads that use Binder over the kernel's own driver: what stays of them when they have
// ended.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "support/binder.hpp"

using namespace ashmem::binder;
using test::in_child;
using test::Manager;
using test::Service;
using test::serving;

namespace {

// answers with a call's own number; before that, has an object called that came with one
constexpr std::uint32_t call_back = 100;

test::BinderChild answering() {
    return serving("answers", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            if (call.code == call_back) (void)call.in.object().remote->call(1, Parcel());
            out.u32(call.code);
            return 0;
        });
    });
}

bool answers(Remote& service, std::uint32_t code) {
    return service.call(code, Parcel()).u32() == code;
}

// The threads of this process that the driver has a record of.
int recorded_threads() {
    std::ifstream state("/sys/kernel/debug/binder/proc/" + std::to_string(getpid()));
    int count = 0;
    for (std::string line; std::getline(state, line);)
        if (line.starts_with("  thread ")) ++count;
    return count;
}

std::ptrdiff_t open_devices() {
    const std::string device = "/dev/binder";
    std::ptrdiff_t count = 0;
    for (int fd = 0; fd < 256; ++fd) {
        char target[64] = {};
        const std::string link = "/proc/self/fd/" + std::to_string(fd);
        if (readlink(link.c_str(), target, sizeof(target) - 1) > 0 && device == target) ++count;
    }
    return count;
}

// A thread_local object that does something when its thread ends.
struct LastWords {
    std::function<void()> say;
    LastWords() = default;
    LastWords(const LastWords&) = delete;
    LastWords& operator=(const LastWords&) = delete;
    ~LastWords() {
        if (say) say();
    }
};

// Runs a thread that does something first, and says its last words when all it has of
// Binder has ended.
void with_last_words(const std::function<void()>& first, const std::function<void()>& last) {
    std::thread([&] {
        // made first, so that it ends last
        static thread_local LastWords words;
        words.say = last;
        first();
    }).join();
}

} // namespace

TEST_CASE("threads that ended leave nothing in the driver", "[library][binder]") {
    const Manager manager;
    auto server = answering();
    const int threads = test::rounds(2000);
    const auto left = [&] {
        const auto process = Process::open();
        const auto service = find_service(*process, "answers").remote;
        for (int i = 0; i < threads; ++i) {
            bool good = false;
            std::thread([&] { good = answers(*service, 3); }).join();
            if (!good) return 100;
        }
        // one that only gives something back
        Message answer = service->call(1, Parcel());
        std::thread([&] { answer = Message(); }).join();
        return std::min(recorded_threads(), 99);
    };
    CHECK(in_child([&] {
              alarm(120);
              return left();
          }) == 1);
}

TEST_CASE("a thread leaves every Process that it used", "[library][binder]") {
    const Manager manager;
    auto server = answering();
    const auto left = [] {
        const auto first = Process::open(), second = Process::open();
        const auto one = find_service(*first, "answers").remote;
        const auto other = find_service(*second, "answers").remote;
        bool good = false;
        std::thread([&] {
            good = answers(*one, 1) && answers(*other, 2) && answers(*one, 3);
        }).join();
        return good ? recorded_threads() : 100;
    };
    // this thread's, of both
    CHECK(in_child([&] {
              alarm(60);
              return left();
          }) == 2);
}

TEST_CASE("a Process ends before a thread that used it", "[library][binder]") {
    const Manager manager;
    auto server = answering();
    const auto outcome = [] {
        int devices = -1;
        bool good = true;
        std::thread([&] {
            for (int i = 0; i < 100; ++i) {
                const auto process = Process::open();
                good = good && answers(*find_service(*process, "answers").remote, 4);
            }
            devices = static_cast<int>(open_devices());
        }).join();
        return good ? devices : 100;
    };
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 0);
}

TEST_CASE("a thread calls when its thread_local objects end", "[library][binder]") {
    const Manager manager;
    auto server = answering();
    const auto outcome = [] {
        const auto process = Process::open();
        const auto service = find_service(*process, "answers").remote;
        bool first = false, last = false;
        with_last_words([&] { first = answers(*service, 1); },
                        [&] { last = answers(*service, 5); });
        return first && last && answers(*service, 2) ? recorded_threads() : 100;
    };
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 1);
}

TEST_CASE("a thread is called back, and calls, when its thread_local objects end",
          "[library][binder]") {
    const Manager manager;
    auto server = answering();
    const auto outcome = [] {
        const auto process = Process::open();
        const auto service = find_service(*process, "answers").remote;
        bool first = false, last = false;
        int within = 0;
        Message before;
        Parcel in;
        in.object({std::make_shared<Service>([&](Call&, Parcel&) {
                       // neither may end what the driver knows of the thread
                       before = Message();
                       for (std::uint32_t code = 1; code <= 3; ++code)
                           within += answers(*service, code) ? 1 : 0;
                       return 0;
                   }),
                   nullptr});
        with_last_words(
            [&] {
                first = answers(*service, 1);
                before = service->call(2, Parcel());
            },
            [&] { last = service->call(call_back, in).u32() == call_back; });
        return first && last && within == 3 ? recorded_threads() : 100;
    };
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 1);
}

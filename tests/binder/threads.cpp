// SPDX-License-Identifier: Apache-2.0
// Threads that use Binder over the kernel's own driver: what a call takes of them, and what
// stays of them when they have ended.
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
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

// struct ptrace_syscall_info, which not every libc has
struct SyscallStop {
    std::uint8_t op;
    std::uint32_t arch [[gnu::aligned(4)]];
    std::uint64_t instruction_pointer, stack_pointer, number;
};
constexpr int get_syscall_info = 0x420e;
constexpr std::uint8_t at_entry = 1;

// answers with a call's own number; before that, has an object called that came with one
constexpr std::uint32_t call_back = 100;

test::BinderChild answering(const char* name = "answers") {
    return serving(name, [](Process&) {
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

// The ioctl()s of a child between its two SIGSTOPs; -1 if it also waited by other calls.
int ioctls_between_stops(pid_t child) {
    int stops = 0, count = 0;
    bool polled = false;
    for (int status = 0; waitpid(child, &status, 0) == child && WIFSTOPPED(status);) {
        const int signal = WSTOPSIG(status);
        SyscallStop stop{};
        if (signal == SIGSTOP) {
            ++stops;
        } else if (signal == (SIGTRAP | 0x80) && stops == 1 &&
                   ptrace(static_cast<__ptrace_request>(get_syscall_info), child, sizeof(stop),
                          &stop) > 0 &&
                   stop.op == at_entry) {
            if (stop.number == SYS_ioctl) ++count;
#ifdef SYS_poll
            polled = polled || stop.number == SYS_poll;
#endif
            polled = polled || stop.number == SYS_ppoll;
        }
        if (stops == 1) ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD);
        const int pass_on = signal == SIGALRM ? signal : 0;
        ptrace(stops == 1 ? PTRACE_SYSCALL : PTRACE_CONT, child, nullptr, pass_on);
    }
    return polled || stops != 2 ? -1 : count;
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
    // one thread each: the first waits while it is called back
    auto server = answering(), other = answering("elsewhere");
    const auto outcome = [] {
        const auto process = Process::open(), second = Process::open();
        const auto service = find_service(*process, "answers").remote;
        const auto elsewhere = find_service(*second, "elsewhere").remote;
        bool first = false, last = false;
        int within = 0;
        Message before;
        Parcel in;
        in.object({std::make_shared<Service>([&](Call&, Parcel&) {
                       // neither may end what the driver knows of the thread
                       before = Message();
                       for (std::uint32_t code = 1; code <= 3; ++code)
                           within += answers(*service, code) ? 1 : 0;
                       within += answers(*elsewhere, 4) ? 1 : 0;
                       return 0;
                   }),
                   nullptr});
        with_last_words(
            [&] {
                first = answers(*service, 1);
                before = service->call(2, Parcel());
            },
            [&] { last = service->call(call_back, in).u32() == call_back; });
        return first && last && within == 4 ? recorded_threads() : 100;
    };
    // this thread's, of both
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 2);
}

TEST_CASE("a call is one ioctl", "[library][binder]") {
    constexpr int calls = 100;
    const Manager manager;
    auto server = answering();
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        const auto process = Process::open();
        const auto service = find_service(*process, "answers").remote;
        if (!answers(*service, 1) || ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
        (void)raise(SIGSTOP);
        bool good = true;
        for (std::uint32_t i = 0; i < calls; ++i)
            good = answers(*service, i) && good;
        (void)raise(SIGSTOP);
        _exit(good ? 0 : 1);
    }
    REQUIRE(child > 0);
    CHECK(ioctls_between_stops(child) == calls);
}

TEST_CASE("a thread that serves for a while returns, and others call meanwhile",
          "[library][binder]") {
    using namespace std::chrono_literals;
    const Manager manager;
    auto server = answering();
    const auto outcome = [] {
        const auto process = Process::open();
        const auto service = find_service(*process, "answers").remote;
        for (int i = 0; i < 20; ++i) {
            std::thread limited([&] { process->serve(5ms); });
            bool good = true;
            for (std::uint32_t call = 0; call < 50; ++call)
                good = good && answers(*service, call);
            limited.join();
            if (!good) return 1;
        }
        return 0;
    };
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 0);
}

TEST_CASE("stop() ends a wait that has a time limit, and may come twice", "[library][binder]") {
    using namespace std::chrono_literals;
    CHECK(in_child([] {
              alarm(30);
              const auto process = Process::open();
              std::thread limited([&] { process->serve(60s); });
              std::this_thread::sleep_for(100ms); // let it wait
              process->stop();
              process->stop();
              limited.join();
              return 0;
          }) == 0);
}

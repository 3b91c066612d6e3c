// SPDX-License-Identifier: Apache-2.0
// One thread runs the code; another is asked by seccomp about each of its calls.
#include "support/call_fault.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/sockets.hpp"

namespace test {
namespace {

// Calls that cannot fail, whose callers know that, or that end the program if they do: those
// of malloc(), of locks and of abort().
constexpr long infallible[] = {
    SYS_brk,          SYS_clock_gettime,   SYS_exit,         SYS_exit_group,
    SYS_futex,        SYS_getpid,          SYS_gettid,       SYS_tgkill,
    SYS_rt_sigaction, SYS_rt_sigprocmask,  SYS_rt_sigreturn, SYS_restart_syscall,
#ifdef SYS_futex_time64
    SYS_futex_time64, SYS_clock_gettime64,
#endif
};

std::vector<sock_filter> program() {
    std::vector<sock_filter> all = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const long number : infallible) {
        all.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
        all.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    all.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    return all;
}

// From now on the kernel asks by this descriptor about the calls of this thread.
int watch_this_thread() {
    std::vector<sock_filter> all = program();
    const sock_fprog filter{static_cast<unsigned short>(all.size()), all.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

std::size_t maps_of_regions() {
    const std::string maps = read_file("/proc/self/maps");
    std::size_t count = 0;
    for (auto at = maps.find("swept"); at != maps.npos; at = maps.find("swept", at + 1))
        ++count;
    return count;
}

// A page that this process shares with its children.
class Shared {
public:
    Shared()
        : record_(static_cast<CallFault::Record*>(mmap(nullptr, sizeof(CallFault::Record),
                                                       PROT_READ | PROT_WRITE,
                                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
        if (record_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { munmap(record_, sizeof(*record_)); }
    CallFault::Record& operator*() const { return *record_; }

private:
    CallFault::Record* record_;
};

// In the child: what is wrong goes to the record.
int attempt_once(const std::function<void(CallFault&)>& attempt, const CallFault::Plan& plan,
                 CallFault::Record& record) {
    constexpr unsigned int limit = 30;
    alarm(limit);
    CallFault fault(plan, record);
    const std::size_t fds = open_descriptors(), maps = maps_of_regions();
    try {
        attempt(fault);
        need(open_descriptors() == fds, "a descriptor is left");
        need(record.mapped || maps_of_regions() == maps, "a map is left");
    } catch (const std::exception& wrong) {
        std::snprintf(record.complaint, sizeof(record.complaint), "%s", wrong.what());
    }
    return 0;
}

std::string complaint_of(int status, const CallFault::Plan& plan, const CallFault::Record& record) {
    std::string text = record.complaint;
    if (status != 0) text = "ended with " + std::to_string(status);
    if (text.empty()) return text;
    return text + ", when call " + std::to_string(plan.point) + " (number " +
           std::to_string(record.number) + ") failed" +
           (plan.lasts ? " and all after it: " : ": ") + std::strerror(plan.error);
}

struct Swept {
    int calls = 0; // that the code makes if none fails
    std::string complaint;
};

Swept sweep(const std::function<void(CallFault&)>& attempt, CallFault::Plan plan) {
    const Shared record;
    for (;; ++plan.point) {
        *record = {};
        const int status = in_child([&] { return attempt_once(attempt, plan, *record); });
        auto complaint = complaint_of(status, plan, *record);
        if (!complaint.empty() || !(*record).hit) return {plan.point - 1, std::move(complaint)};
    }
}

// The calls of a sanitizer must not fail, and cannot be told from the code's: with one, all
// works, once.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
constexpr CallFault::Plan plans[] = {{0, 0, false}};
#else
constexpr bool sanitized = false;
// If each call were interrupted, they would be repeated for ever: EINTR comes only once.
constexpr CallFault::Plan plans[] = {
    {1, ENOMEM, false}, {1, EINTR, false}, {1, ENOMEM, true}, {1, EACCES, false}};
#endif

} // namespace

bool CallFault::fails_next() {
    if (over_) return false;
    ++calls_;
    return plan_.lasts ? calls_ >= plan_.point : calls_ == plan_.point;
}

// Answers until the thread that asks has ended.
void CallFault::supervise(int listener) {
    for (;;) {
        pollfd wanted{listener, POLLIN, 0};
        if (poll(&wanted, 1, -1) < 0 || (wanted.revents & POLLHUP) != 0) return;
        seccomp_notif asked{};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
        seccomp_notif_resp answer{};
        answer.id = asked.id;
        if (fails_next()) {
            if (!record_.hit) record_.number = asked.data.nr;
            record_.hit = true;
            if (asked.data.nr == SYS_munmap) record_.mapped = true;
            // whatever it answers, the number is free afterwards
            if (asked.data.nr == SYS_close) close(static_cast<int>(asked.data.args[0]));
            answer.error = -plan_.error;
        } else {
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        }
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

int CallFault::run(const std::function<int()>& code) {
    constexpr int none = -2;
    std::atomic<int> listener{none};
    int answer = 0;
    std::exception_ptr thrown;
    std::thread thread([&] {
        listener = watch_this_thread();
        listener.notify_one();
        try {
            answer = code();
        } catch (...) {
            thrown = std::current_exception();
        }
        over_ = true;
    });
    listener.wait(none);
    supervise(listener);
    thread.join();
    close(listener);
    if (thrown) std::rethrow_exception(thrown);
    return answer;
}

void CallFault::check(int error, std::initializer_list<int> also) const {
    if (error == 0 || std::ranges::find(also, error) != also.end()) return;
    if (record_.hit && error == plan_.error) return;
    throw std::runtime_error(std::string("its error is ") + std::strerror(error));
}

void need(bool fine, const char* what) {
    if (!fine) throw std::runtime_error(what);
}

void sweep_calls(const std::vector<Operation>& operations) {
    // all of them, but on kernels that are slow
    const auto some = std::span(plans).first(
        static_cast<std::size_t>(rounds(static_cast<int>(std::size(plans)))));
    int all_calls = 0;
    for (const auto& [name, attempt] : operations)
        for (const auto& plan : some) {
            const auto [calls, complaint] = sweep(attempt, plan);
            INFO(name << ": " << complaint);
            CHECK(complaint.empty());
            all_calls += calls;
        }
    CHECK((sanitized || all_calls > 0));
}

} // namespace test

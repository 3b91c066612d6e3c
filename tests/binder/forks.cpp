// SPDX-License-Identifier: Apache-2.0
// What a child of fork() does with its copies of what its parent has over the kernel's own
// driver: nothing that the parent would notice.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <string>

#include "support/binder.hpp"

using namespace ashmem::binder;
using test::in_child;
using test::Looper;
using test::Manager;
using test::Service;
using test::serving;

namespace {

// Answers with a text that says which call it was.
test::BinderChild numbering() {
    return serving("numbers", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            out.string16(u"the call of the code " +
                         std::u16string(1, static_cast<char16_t>(u'a' + call.code)));
            return 0;
        });
    });
}

// A server, and a process that holds it and one answer of it.
struct Holder {
    Manager manager;
    test::BinderChild server = numbering();
    std::shared_ptr<Process> process = Process::open();
    std::shared_ptr<Remote> service = find_service(*process, "numbers").remote;
    Message answer = service->call(0, Parcel());

    void destroy() {
        answer = Message();
        service.reset();
        process.reset();
    }
};

template <class Operation>
bool not_connected(Operation operation) {
    try {
        operation();
    } catch (const std::system_error& error) {
        return error.code().value() == ENOTCONN;
    }
    return false;
}

} // namespace

TEST_CASE("a child of fork destroys its copies, and the parent keeps all", "[library][binder]") {
    Holder held;
    REQUIRE(in_child([&] {
                held.destroy();
                return 0;
            }) == 0);
    // its answer was not given back: another one takes other bytes
    CHECK(held.service->call(1, Parcel()).string16() == u"the call of the code b");
    CHECK(held.answer.string16() == u"the call of the code a");
}

TEST_CASE("a child of a fork that libc knows nothing of is inert too", "[library][binder]") {
    Holder held;
    const auto child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    if (child == 0) {
        held.destroy();
        _exit(0);
    }
    REQUIRE(child > 0);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(held.service->call(1, Parcel()).string16() == u"the call of the code b");
}

TEST_CASE("in a child of fork the parent's Process is ENOTCONN", "[library][binder]") {
    Holder held;
    const auto inert = [&] {
        std::error_code ec;
        (void)held.service->call(0, Parcel(), ec);
        if (ec.value() != ENOTCONN) return 1;
        held.service->call_one_way(0, Parcel(), ec);
        if (ec.value() != ENOTCONN) return 2;
        if (!not_connected([&] { held.service->call_one_way(0, Parcel()); })) return 8;
        (void)held.process->context_manager(ec);
        if (ec.value() != ENOTCONN) return 9;
        held.service->link_to_death([] {}, ec);
        if (ec.value() != ENOTCONN) return 10;
        held.process->serve(std::chrono::milliseconds(0), ec);
        if (ec.value() != ENOTCONN) return 11;
        held.process->become_context_manager(std::make_shared<ServiceManager>(), ec);
        if (ec.value() != ENOTCONN) return 12;
        if (!not_connected([&] { (void)held.process->context_manager(); })) return 3;
        if (!not_connected([&] { held.service->link_to_death([] {}); })) return 4;
        if (!not_connected([&] { held.process->serve(); })) return 5;
        if (!not_connected(
                [&] { held.process->become_context_manager(std::make_shared<ServiceManager>()); }))
            return 6;
        // the driver's memory is not there
        if (held.answer.i32() != 0 || held.answer.ok() || held.answer.left() != 0) return 7;
        return 0;
    };
    CHECK(in_child([&] {
              alarm(30);
              return inert();
          }) == 0);
    CHECK(held.answer.string16() == u"the call of the code a");
}

TEST_CASE("a child of fork opens a Process of its own", "[library][binder]") {
    Holder held;
    const auto own = [&] {
        const auto process = Process::open();
        const auto found = find_service(*process, "numbers").remote;
        if (found->call(2, Parcel()).string16() != u"the call of the code c") return 1;
        held.destroy();
        if (found->call(3, Parcel()).string16() != u"the call of the code d") return 2;
        // and so does its child
        return in_child([&] {
            std::error_code ec;
            (void)found->call(3, Parcel(), ec);
            if (ec.value() != ENOTCONN) return 3;
            return find_service(*Process::open(), "numbers") ? 0 : 4;
        });
    };
    CHECK(in_child([&] {
              alarm(30);
              return own();
          }) == 0);
    CHECK(held.service->call(1, Parcel()).string16() == u"the call of the code b");
}

TEST_CASE("a child of fork that stops its copy stops nobody", "[library][binder]") {
    const Manager manager;
    const auto process = Process::open();
    const auto ours = std::make_shared<Service>([](Call&, Parcel& out) {
        out.i32(7);
        return 0;
    });
    add_service(*process, "ours", {ours, nullptr});
    const Looper looper(process);
    REQUIRE(in_child([&] {
                process->stop();
                return 0;
            }) == 0);
    // who asks is another process, so that it is the looper that answers
    CHECK(in_child([] {
              alarm(30);
              const auto other = Process::open();
              return find_service(*other, "ours").remote->call(1, Parcel()).i32();
          }) == 7);
}

TEST_CASE("a child of fork that leaves serve() leaves its parent the time limit",
          "[library][binder]") {
    const Manager manager;
    const auto outcome = [] {
        const auto process = Process::open();
        pid_t child = -1;
        const auto ours = std::make_shared<Service>([&](Call&, Parcel&) {
            child = fork();
            if (child > 0) waitpid(child, nullptr, 0);
            return 0;
        });
        add_service(*process, "ours", {ours, nullptr});
        test::Child caller([] {
            const auto other = Process::open();
            find_service(*other, "ours").remote->call_one_way(1, Parcel());
            return 0;
        });
        while (child < 0) {
            std::error_code ec;
            process->serve(std::chrono::milliseconds(10), ec);
            if (child == 0) _exit(0);
        }
        return 0;
    };
    CHECK(in_child([&] {
              alarm(60);
              return outcome();
          }) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// Services over the kernel's own driver, binder_linux: found, called, answered. names.cpp
// has what concerns their names.
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <utility>

#include "support/binder.hpp"

using namespace ashmem::binder;
using test::eventually;
using test::Looper;
using test::Manager;
using test::Service;
using test::serving;

namespace {

std::int32_t add(Call& call, Parcel& out) {
    const std::int32_t a = call.in.i32(), b = call.in.i32();
    out.i32(a + b);
    out.string16(call.in.string16() + u", answered");
    return call.in.ok() ? 0 : -EINVAL;
}

test::BinderChild adder() {
    return serving("adder", [](Process&) { return std::make_shared<Service>(add); });
}

} // namespace

TEST_CASE("a service is found by its name and answers", "[library][binder]") {
    const Manager manager;
    auto server = adder();
    const auto process = Process::open();
    const Reference service = find_service(*process, "adder");
    REQUIRE(service.remote);
    CHECK(service.remote->process() == process);
    for (int i = 0; i < 100; ++i) {
        Parcel in;
        in.i32(i);
        in.i32(-2);
        in.string16(u"question");
        Message answer = service.remote->call(7, in);
        CHECK(answer.i32() == i - 2);
        CHECK(answer.string16() == u"question, answered");
        CHECK(answer.left() == 0);
        CHECK(answer.ok());
    }
    CHECK(find_service(*process, "adder").remote == service.remote);
}

TEST_CASE("an answer that was moved is empty, and is read on by its new owner",
          "[library][binder]") {
    const Manager manager;
    auto server = adder();
    const auto process = Process::open();
    const auto service = find_service(*process, "adder").remote;
    Parcel in;
    in.i32(1);
    in.i32(2);
    in.string16(u"question");
    Message from = service->call(7, in);
    CHECK(from.i32() == 3);
    Message to(std::move(from));
    CHECK(from.left() == 0); // NOLINT(*-move,*.Move): what is left of it
    from = std::move(to);
    CHECK(to.left() == 0); // NOLINT(*-move,*.Move)
    CHECK(to.i32() == 0);
    CHECK_FALSE(to.ok());
    CHECK(from.string16() == u"question, answered");
    CHECK(from.left() == 0);
    CHECK(from.ok());
}

TEST_CASE("an errno that a service answers arrives, and so does ping", "[library][binder]") {
    const Manager manager;
    auto server = serving("errors", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel&) -> std::int32_t {
            if (call.code == 1) return -ENOTEMPTY;
            if (call.code == 2) throw std::bad_alloc();
            throw std::runtime_error("no answer");
        });
    });
    const auto process = Process::open();
    const auto service = find_service(*process, "errors").remote;
    const auto code = [&](std::uint32_t method) {
        std::error_code ec;
        (void)service->call(method, Parcel(), ec);
        return ec.value();
    };
    CHECK(code(1) == ENOTEMPTY);
    CHECK(code(2) == ENOMEM);
    CHECK(code(3) == EIO);
    CHECK(code('_' << 24 | 'P' << 16 | 'N' << 8 | 'G') == 0);
    CHECK(service->call('_' << 24 | 'N' << 16 | 'T' << 8 | 'F', Parcel()).string16() ==
          u"test.Service");
    CHECK_THROWS_AS(service->call(1, Parcel()), std::system_error);
}

TEST_CASE("who is called may call back, within the call", "[library][binder]") {
    const Manager manager;
    auto server = serving("caller", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            const Reference back = call.in.object();
            if (!back.remote) return -EINVAL;
            std::int32_t sum = 0;
            for (int i = 1; i <= 3; ++i) {
                Parcel question;
                question.i32(i);
                sum += back.remote->call(1, question).i32();
            }
            out.i32(sum);
            out.object(back); // and home it goes
            return 0;
        });
    });
    const auto process = Process::open();
    int asked = 0;
    const auto ours = std::make_shared<Service>([&](Call& call, Parcel& out) {
        ++asked;
        out.i32(call.in.i32() * 10);
        return 0;
    });
    Parcel in;
    in.object({ours, nullptr});
    Message answer = find_service(*process, "caller").remote->call(1, in);
    CHECK(answer.i32() == 60);
    CHECK(asked == 3);
    CHECK(answer.object().local == ours);
}

TEST_CASE("a one-way call arrives, and nobody waits for it", "[library][binder]") {
    const Manager manager;
    auto server = serving("counter", [](Process&) {
        auto count = std::make_shared<int>(0);
        return std::make_shared<Service>([count](Call& call, Parcel& out) {
            if (call.one_way) ++*count;
            if (call.code == 1) usleep(20000);
            out.i32(*count);
            return 0;
        });
    });
    const auto process = Process::open();
    const auto service = find_service(*process, "counter").remote;
    std::error_code ec;
    for (int i = 0; i < 5; ++i) {
        service->call_one_way(1, Parcel(), ec);
        CHECK(!ec);
    }
    CHECK(eventually([&] { return service->call(2, Parcel()).i32() == 5; }));
}

TEST_CASE("several threads call and are answered by several", "[library][binder]") {
    const Manager manager;
    const test::BinderChild server([](const auto& ready) {
        const auto process = Process::open();
        add_service(*process, "adder", {std::make_shared<Service>(add), nullptr});
        const Looper second(process), third(process);
        ready();
        process->serve();
    });
    const auto process = Process::open();
    const auto service = find_service(*process, "adder").remote;
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    callers.reserve(4);
    for (int t = 0; t < 4; ++t)
        callers.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                Parcel in;
                in.i32(t * 1000);
                in.i32(i);
                in.string16(u"");
                if (service->call(1, in).i32() != t * 1000 + i) ++wrong;
            }
        });
    for (auto& caller : callers)
        caller.join();
    CHECK(wrong == 0);
}

TEST_CASE("a call that is too large is refused, and the next one works", "[library][binder]") {
    const Manager manager;
    auto server = adder();
    const auto process = Process::open();
    const auto service = find_service(*process, "adder").remote;
    Parcel large, small;
    large.string16(std::u16string(2 << 20, u'x'));
    small.i32(1);
    small.i32(2);
    small.string16(u"");
    std::error_code ec;
    (void)service->call(1, large, ec);
    CHECK(ec.value() == EREMOTEIO);
    CHECK(service->call(1, small).i32() == 3);
}

TEST_CASE("an answer that cannot be delivered is EREMOTEIO, and the server goes on",
          "[library][binder]") {
    const Manager manager;
    auto server = serving("odd", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            if (call.code == 1) out.string16(std::u16string(2 << 20, u'x'));
            if (call.code == 2) return 5;
            if (call.code == 3) return -5000;
            out.i32(7);
            return 0;
        });
    });
    const auto outcome = [] {
        const auto process = Process::open();
        const auto service = find_service(*process, "odd").remote;
        for (const std::uint32_t code : {1U, 2U, 3U}) {
            std::error_code ec;
            (void)service->call(code, Parcel(), ec);
            if (ec.value() != EREMOTEIO) return static_cast<int>(code);
            if (service->call(4, Parcel()).i32() != 7) return 4;
        }
        return 0;
    };
    CHECK(test::in_child([&] {
              alarm(60);
              return outcome();
          }) == 0);
}

TEST_CASE("in the manager's own process its errors come in the error_code", "[library][binder]") {
    const auto outcome = [] {
        const auto process = Process::open();
        const auto names = std::make_shared<ServiceManager>();
        std::error_code ec;
        // the driver lets go of an earlier one in its own time
        bool manages = false;
        if (!eventually([&] {
                if (!manages) process->become_context_manager(names, ec);
                return manages = manages || !ec;
            }))
            return 1;
        if (process->context_manager(ec) || ec.value() != EINVAL) return 2;
        if (find_service(*process, "any", ec) || ec.value() != EINVAL) return 3;
        add_service(*process, "any", {std::make_shared<Service>(add), nullptr}, ec);
        if (ec.value() != EINVAL) return 4;
        process->become_context_manager(names, ec);
        if (ec.value() != EBUSY) return 5;
        process->serve(std::chrono::milliseconds(0), ec);
        return ec ? 6 : 0;
    };
    CHECK(test::in_child([&] {
              alarm(60);
              return outcome();
          }) == 0);
}

TEST_CASE("a one-way call to the dead is EPIPE, in both forms", "[library][binder]") {
    const Manager manager;
    auto server = adder();
    const auto process = Process::open();
    const auto service = find_service(*process, "adder").remote;
    CHECK_NOTHROW(service->call_one_way(1, Parcel()));
    server.kill();
    std::error_code ec;
    CHECK(eventually([&] {
        service->call_one_way(1, Parcel(), ec);
        return ec.value() == EPIPE;
    }));
    CHECK_THROWS_AS(service->call_one_way(1, Parcel()), std::system_error);
}

TEST_CASE("a device that is none is an error", "[library][binder]") {
    std::error_code ec;
    CHECK(Process::open("/no/such/binder", ec) == nullptr);
    CHECK(ec.value() == ENOENT);
    CHECK(Process::open("/dev/null", ec) == nullptr);
    CHECK(ec.value() == ENOTTY);
    CHECK_THROWS_AS(Process::open("/no/such/binder"), std::system_error);
}

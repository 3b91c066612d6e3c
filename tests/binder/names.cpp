// SPDX-License-Identifier: Apache-2.0
// The service manager over the kernel's own driver: what has a name, who may give one, and
// what is answered.
#include <catch2/catch.hpp>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "support/binder.hpp"

using namespace ashmem::binder;
using test::eventually;
using test::Manager;
using test::Service;
using test::serving;

TEST_CASE("names that are none, and services that are not, are told apart", "[library][binder]") {
    const auto outcome = [](Process& process, const std::string& name) {
        std::error_code ec;
        (void)find_service(process, name, ec);
        return ec.value();
    };
    const auto process = Process::open();
    CHECK(outcome(*process, "any") == ENXIO);
    const Manager manager;
    CHECK(outcome(*process, "any") == ENOENT);
    CHECK(outcome(*process, "") == EINVAL);
    CHECK(outcome(*process, "a name") == EINVAL);
    CHECK(outcome(*process, std::string(128, 'a')) == EINVAL);
    CHECK(outcome(*process, std::string(127, 'a')) == ENOENT);
    std::error_code ec;
    add_service(*process, "nobody", {}, ec);
    CHECK(ec.value() == EINVAL);
    add_service(*process, "a name", {test::silent(), nullptr}, ec);
    CHECK(ec.value() == EINVAL);

    // a service manager believes no caller: the same, by hand
    Parcel in;
    in.token(u"android.os.IServiceManager");
    in.string16(u"a name");
    in.object({test::silent(), nullptr});
    CHECK(process->context_manager()->call(3, in).i32() == -3);
    Parcel null, cut;
    for (Parcel* each : {&null, &cut}) {
        each->token(u"android.os.IServiceManager");
        each->string16(u"nobody");
    }
    null.object({});
    CHECK(process->context_manager()->call(3, null).i32() == -3);
    CHECK(process->context_manager()->call(3, cut).i32() == -3);
    CHECK(outcome(*process, "nobody") == ENOENT);
    (void)process->context_manager()->call(3, Parcel(), ec);
    CHECK(ec.value() == EPERM);
    (void)process->context_manager()->call(99, in, ec);
    CHECK(ec.value() == EBADMSG);
}

TEST_CASE("a name has letters, digits and few other signs", "[library][host]") {
    for (const char* const name : {"a", "z", "A", "Z", "0", "9", "_-./"})
        CHECK(ServiceManager::is_name(name));
    // what comes before and after each of these
    for (const char* const name :
         {"", "`", "{", "@", "[", ":", ",", "^", " ", "\x7f", "\xe4", "a b", "a\n"})
        CHECK_FALSE(ServiceManager::is_name(name));
}

TEST_CASE("a service has several names, and loses them all when it dies", "[library][binder]") {
    const Manager manager;
    auto server = serving("first", [](Process& process) {
        auto service = test::silent();
        add_service(process, "second", {service, nullptr});
        return service;
    });
    const auto process = Process::open();
    CHECK(find_service(*process, "first").remote == find_service(*process, "second").remote);
    server.kill();
    for (const char* const name : {"first", "second"})
        CHECK(eventually([&] {
            std::error_code ec;
            return !find_service(*process, name, ec) && ec.value() == ENOENT;
        }));
}

TEST_CASE("a service of the manager's own process is named and found as others are",
          "[library][binder]") {
    constexpr std::uint32_t give = 50;
    const Manager manager([] {
        return std::make_shared<Service>([names = std::make_shared<ServiceManager>(),
                                          own = test::silent()](Call& call, Parcel& out) {
            if (call.code != give) return names->answer(call, out);
            out.object({own, nullptr});
            return 0;
        });
    });
    const auto process = Process::open();
    const Reference own = process->context_manager()->call(give, Parcel()).object();
    REQUIRE(own.remote);
    add_service(*process, "own", own);
    CHECK(find_service(*process, "own").remote == own.remote);
}

TEST_CASE("there is one service manager at a time", "[library][binder]") {
    const Manager manager;
    const auto process = Process::open();
    try {
        process->become_context_manager(std::make_shared<ServiceManager>());
        FAIL("a second one");
    } catch (const std::system_error& error) {
        CHECK(error.code().value() == EBUSY);
    }
}

TEST_CASE("what a name server answers that is no answer is told as such", "[library][binder]") {
    const Manager manager([] {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            (void)call.in.token(u"android.os.IServiceManager");
            const auto name = call.in.string16();
            if (name != u"empty") out.i32(name == u"exception" ? -3 : 0);
            if (name == u"number") out.i32(1);
            if (name == u"null") out.object({});
            return 0;
        });
    });
    const auto process = Process::open();
    const auto error = [&](const char* name) {
        std::error_code ec;
        (void)find_service(*process, name, ec);
        return ec.value();
    };
    CHECK(error("empty") == EBADMSG);
    CHECK(error("exception") == EINVAL);
    CHECK(error("number") == EBADMSG);
    CHECK(error("cut") == EBADMSG);
    CHECK(error("null") == ENOENT);
}

TEST_CASE("the name server is asked by either method, and only for names", "[library][binder]") {
    const Manager manager;
    auto server = serving("adder", [](Process&) { return test::silent(); });
    const auto process = Process::open();
    const auto ask = [&](std::uint32_t method, std::u16string_view name) {
        Parcel in;
        in.token(u"android.os.IServiceManager");
        in.string16(name);
        Message answer = process->context_manager()->call(method, in);
        CHECK(answer.i32() == 0);
        return answer.object();
    };
    for (const std::uint32_t method : {1, 2}) {
        CHECK(ask(method, u"adder").remote == find_service(*process, "adder").remote);
        CHECK_FALSE(ask(method, u"\u00e4dder").remote);
    }
}

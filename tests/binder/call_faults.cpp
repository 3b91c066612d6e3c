// SPDX-License-Identifier: Apache-2.0
// Each system call of what is said to the driver fails once. The operation then does without
// it or says why it could not, does not wait for what never comes, and the next one is right.
#include <binder/MemoryBase.h>
#include <binder/MemoryHeapBase.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <chrono>

#include "support/binder.hpp"
#include "support/call_fault.hpp"
#include "support/region.hpp"

using namespace ashmem::binder;
using android::MemoryBase;
using android::MemoryHeapBase;
using android::sp;
using test::CallFault;
using test::Manager;
using test::need;
using test::page_size;
using test::Service;
using test::serving;

namespace {

// what find_service() makes of a name server that cannot be asked
constexpr int unasked = ENXIO;

test::BinderChild doubler() {
    return serving("doubler", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            out.i32(2 * call.in.i32());
            return 0;
        });
    });
}

// Calls it; the answer must be that to this number.
std::error_code call_with(const Reference& service, int number) {
    Parcel in;
    in.i32(number);
    std::error_code ec;
    Message answer = service.remote->call(1, in, ec);
    if (!ec) need(answer.i32() == 2 * number, "the answer to another call");
    return ec;
}

void need_works(Process& process) {
    const Reference service = find_service(process, "doubler");
    for (int number = 5; number < 8; ++number)
        need(!call_with(service, number), "a later call fails");
}

} // namespace

TEST_CASE("a Process is opened or not, whichever system call fails", "[library][binder]") {
    const Manager manager;
    const auto server = doubler();
    test::sweep_calls({{"open", [](CallFault& fault) {
                            std::shared_ptr<Process> process;
                            const int error = fault.in([&] {
                                std::error_code ec;
                                process = Process::open("/dev/binder", ec);
                                return ec;
                            });
                            need((process != nullptr) == (error == 0), "whether there is one");
                            if (process) need_works(*process);
                        }}});
}

TEST_CASE("a service is named, found and called or not, whichever system call fails",
          "[library][binder]") {
    const Manager manager;
    const auto server = doubler();
    test::sweep_calls({
        {"add_service",
         [](CallFault& fault) {
             const auto process = Process::open();
             fault.in(
                 [&] {
                     std::error_code ec;
                     add_service(*process, "another", {test::silent(), nullptr}, ec);
                     return ec;
                 },
                 {unasked});
             need_works(*process);
         }},
        {"find_service",
         [](CallFault& fault) {
             const auto process = Process::open();
             Reference service;
             const int error = fault.in(
                 [&] {
                     std::error_code ec;
                     service = find_service(*process, "doubler", ec);
                     return ec;
                 },
                 {unasked});
             need((service.remote != nullptr) == (error == 0), "whether it is found");
             need_works(*process);
         }},
        {"calls",
         [](CallFault& fault) {
             const auto process = Process::open();
             const Reference service = find_service(*process, "doubler");
             fault.in([&] {
                 std::error_code first;
                 for (int number = 1; number < 4; ++number)
                     if (const auto ec = call_with(service, number); !first) first = ec;
                 return first;
             });
             need_works(*process);
         }},
        {"call_one_way",
         [](CallFault& fault) {
             const auto process = Process::open();
             const Reference service = find_service(*process, "doubler");
             fault.in([&] {
                 std::error_code first;
                 service.remote->call_one_way(1, Parcel(), first);
                 const auto second = call_with(service, 3);
                 return first ? first : second;
             });
             need_works(*process);
         }},
        {"link_to_death",
         [](CallFault& fault) {
             const auto process = Process::open();
             const Reference service = find_service(*process, "doubler");
             fault.in([&] {
                 std::error_code ec;
                 service.remote->link_to_death([] {}, ec);
                 return ec;
             });
             service.remote->link_to_death([] {});
             need_works(*process);
         }},
        {"the end of a Remote",
         [](CallFault& fault) {
             const auto process = Process::open();
             Reference service = find_service(*process, "doubler");
             service.remote->link_to_death([] {});
             fault.in([&] {
                 service = {};
                 return 0;
             });
             need_works(*process);
         }},
    });
}

TEST_CASE("serve() ends in time or says why, whichever system call fails", "[library][binder]") {
    const Manager manager;
    const auto server = doubler();
    test::sweep_calls({
        {"for a limited time",
         [](CallFault& fault) {
             const auto process = Process::open();
             fault.in([&] {
                 std::error_code ec;
                 process->serve(std::chrono::milliseconds(1), ec);
                 return ec;
             });
             need_works(*process);
         }},
        {"after stop()",
         [](CallFault& fault) {
             const auto process = Process::open();
             fault.in([&] {
                 std::error_code ec;
                 process->stop();
                 process->serve(std::chrono::milliseconds::max(), ec);
                 return ec;
             });
             need_works(*process);
         }},
    });
}

TEST_CASE("a heap or a window of another process is there or not, whichever system call fails",
          "[library][binder]") {
    const Manager manager;
    const auto server = doubler();
    const auto made = [] { return sp<MemoryHeapBase>::make(2 * page_size(), 0U, "swept"); };
    const auto owner = serving("heap", [&](Process&) { return publish(made()); });
    const auto window =
        serving("window", [&](Process&) { return publish(sp<MemoryBase>::make(made(), 100, 50)); });
    test::sweep_calls({{"heap_of", [](CallFault& fault) {
                            const auto process = Process::open();
                            const Reference reference = find_service(*process, "heap");
                            sp<android::IMemoryHeap> heap;
                            const int error = fault.in(
                                [&] {
                                    std::error_code ec;
                                    heap = heap_of(reference, ec);
                                    return ec;
                                },
                                {ENOTTY});
                            need((heap != nullptr) == (error == 0), "whether there is one");
                            // what failed is not remembered
                            need(heap_of(reference)->getSize() == 2 * page_size(), "its size");
                            need_works(*process);
                        }}});
    test::sweep_calls({{"memory_of", [](CallFault& fault) {
                            const auto process = Process::open();
                            const Reference reference = find_service(*process, "window");
                            sp<android::IMemory> memory;
                            const int error = fault.in(
                                [&] {
                                    std::error_code ec;
                                    memory = memory_of(reference, ec);
                                    return ec;
                                },
                                {ENOTTY});
                            need((memory != nullptr) == (error == 0), "whether there is one");
                            need(memory_of(reference)->size() == 50, "its size");
                            need_works(*process);
                        }}});
}

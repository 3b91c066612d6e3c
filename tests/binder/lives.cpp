// SPDX-License-Identifier: Apache-2.0
// How long things live over the kernel's own driver: descriptors that cross, objects that
// others hold, and processes that freeze or whose death is told.
#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
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

std::size_t open_fds() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Answers with a new region of one page that holds 42.
std::int32_t give_region(Call&, Parcel& out) {
    auto region = ashmem::Region::create("by binder", 4096);
    auto mapping = region.map(ashmem::Prot::read_write);
    mapping.bytes()[0] = std::byte{42};
    region.set_protection(ashmem::Prot::read);
    out.fd(region.fd());
    return 0;
}

// Who asks a server for regions, and the descriptors open before the first.
struct RegionClient {
    Manager manager;
    test::BinderChild server =
        serving("regions", [](Process&) { return std::make_shared<Service>(give_region); });
    std::shared_ptr<Process> process = Process::open();
    std::shared_ptr<Remote> service = find_service(*process, "regions").remote;
    std::size_t before = open_fds();
};

// A function that takes its time to be copied, which link_to_death() does under its lock.
struct SlowCopy {
    static constexpr auto takes = 90ms;
    SlowCopy() = default;
    SlowCopy(const SlowCopy&) { std::this_thread::sleep_for(takes); }
    SlowCopy& operator=(const SlowCopy&) = delete;
    ~SlowCopy() = default;
    void operator()() const {}
};

// The answer of find_service(), of which nothing is read yet but that it is one.
Message look_up(Remote& names, const std::string& name) {
    constexpr std::uint32_t check_service = 2;
    Parcel in;
    in.token(u"android.os.IServiceManager");
    in.string16(std::u16string(name.begin(), name.end()));
    Message answer = names.call(check_service, in);
    REQUIRE(answer.i32() == 0);
    return answer;
}

} // namespace

TEST_CASE("a descriptor crosses: another number, the same region", "[library][binder]") {
    const RegionClient client;
    for (int i = 0; i < 20; ++i) {
        Message answer = client.service->call(1, Parcel());
        const auto region = ashmem::Region::adopt(answer.fd());
        CHECK(region.name() == "by binder");
        CHECK(region.protection() == ashmem::Prot::read);
        const auto mapping = region.map(ashmem::Prot::read);
        CHECK(mapping.bytes()[0] == std::byte{42});
        std::error_code ec;
        (void)region.map(ashmem::Prot::read_write, ec);
        CHECK(ec.value() == EPERM);
    }
    CHECK(open_fds() == client.before);
}

TEST_CASE("a descriptor that nobody takes is closed", "[library][binder]") {
    const RegionClient client;
    {
        Message answer = client.service->call(1, Parcel());
        CHECK(open_fds() == client.before + 1);
        CHECK(answer.i32() != 0); // not what it is
        CHECK(!answer.fd().ok());
    }
    CHECK(open_fds() == client.before);
}

TEST_CASE("a service that wants no descriptors gets none", "[library][binder]") {
    const Manager manager;
    const auto count = [](Call& call, Parcel& out) {
        out.i32(call.in.fd().ok() ? 1 : 0);
        out.u64(open_fds());
        return 0;
    };
    auto open = serving("open", [&](Process&) { return std::make_shared<Service>(count, true); });
    auto closed = serving("closed", [&](Process&) { return std::make_shared<Service>(count); });
    const auto process = Process::open();
    Parcel in;
    in.fd(1);
    const auto taker = find_service(*process, "open").remote;
    CHECK(taker->call(1, in).i32() == 1);
    Message again = taker->call(1, in);
    CHECK(again.i32() == 1);
    const std::uint64_t fds = again.u64();
    Message last = taker->call(1, in);
    CHECK(last.i32() == 1);
    CHECK(last.u64() == fds);
    std::error_code ec;
    (void)find_service(*process, "closed").remote->call(1, in, ec);
    CHECK(ec.value() == EREMOTEIO);
}

TEST_CASE("a server that is killed is heard of, once, and forgotten", "[library][binder]") {
    const Manager manager;
    auto server = serving("short-lived", [](Process&) { return silent(); });
    const auto process = Process::open();
    const Looper looper(process);
    const auto service = find_service(*process, "short-lived").remote;
    std::atomic<int> deaths{0}, more{0};
    service->link_to_death([&] { ++deaths; });
    service->link_to_death([&] { ++more; });
    std::this_thread::sleep_for(50ms);
    CHECK(deaths == 0);
    server.kill();
    CHECK(eventually([&] { return deaths == 1 && more == 1; }));
    std::error_code ec;
    (void)service->call(1, Parcel(), ec);
    CHECK(ec.value() == EPIPE);
    // the manager hears of it in its own time
    CHECK(eventually([&] {
        (void)find_service(*process, "short-lived", ec);
        return ec.value() == ENOENT;
    }));
    // who asks later is told at once
    service->link_to_death([&] { ++more; });
    CHECK(more == 2);
    CHECK(deaths == 1);
}

TEST_CASE("a server that dies before it answers is EPIPE", "[library][binder]") {
    const Manager manager;
    auto server = serving("suicide", [](Process&) {
        return std::make_shared<Service>([](Call&, Parcel&) -> std::int32_t { _exit(0); });
    });
    const auto process = Process::open();
    const auto service = find_service(*process, "suicide").remote;
    std::error_code ec;
    (void)service->call(1, Parcel(), ec);
    CHECK(ec.value() == EPIPE);
}

TEST_CASE("a call to a process that is frozen is EREMOTEIO, and one-way calls wait",
          "[library][binder]") {
    const Manager manager;
    auto server = serving("cold", [](Process&) {
        return std::make_shared<Service>([](Call&, Parcel& out) {
            out.u32(static_cast<std::uint32_t>(getpid()));
            return 0;
        });
    });
    const auto process = Process::open();
    const auto service = find_service(*process, "cold").remote;
    binder_freeze_info wanted{};
    wanted.pid = service->call(1, Parcel()).u32();
    wanted.enable = 1;
    const ashmem::unique_fd device(open("/dev/binder", O_RDWR | O_CLOEXEC));
    // not while a call is under way; kernels before 5.12 freeze nobody
    int error = 0;
    CHECK(eventually([&] {
        error = ioctl(device.get(), BINDER_FREEZE, &wanted) == 0 ? 0 : errno;
        return error != EAGAIN;
    }));
    if (error == EINVAL) return;
    REQUIRE(error == 0);
    std::error_code ec;
    (void)service->call(1, Parcel(), ec);
    CHECK(ec.value() == EREMOTEIO);
    service->call_one_way(1, Parcel(), ec);
    CHECK_FALSE(ec);
    wanted.enable = 0;
    REQUIRE(ioctl(device.get(), BINDER_FREEZE, &wanted) == 0);
    CHECK(service->call(1, Parcel()).u32() == wanted.pid);
}

TEST_CASE("descriptors in a call that is refused stay nowhere", "[library][binder]") {
    const Manager manager;
    // refuses calls without taking their descriptors; 2 answers how many it has
    const auto refuse = [](Call& call, Parcel& out) {
        if (call.code == 1) return -EPERM;
        out.u64(open_fds());
        return 0;
    };
    auto taker =
        serving("taker", [&](Process&) { return std::make_shared<Service>(refuse, true); });
    auto closed = serving("closed", [&](Process&) { return std::make_shared<Service>(refuse); });
    const auto process = Process::open();
    for (const char* const name : {"taker", "closed"}) {
        const auto service = find_service(*process, name).remote;
        const std::uint64_t theirs = service->call(2, Parcel()).u64();
        const std::size_t ours = open_fds();
        for (int i = 0; i < 10; ++i) {
            Parcel in;
            in.fd(1);
            std::error_code ec;
            (void)service->call(1, in, ec);
            CHECK(ec.value() == (name[0] == 't' ? EPERM : EREMOTEIO));
        }
        CHECK(service->call(2, Parcel()).u64() == theirs);
        CHECK(open_fds() == ours);
    }
}

TEST_CASE("a device that is opened without room for more leaves no map", "[library][binder]") {
    const auto maps = [] {
        std::ifstream all("/proc/self/maps");
        int count = 0;
        for (std::string line; std::getline(all, line);)
            if (line.find("/dev/binder") != std::string::npos) ++count;
        return count;
    };
    const int before = maps();
    const std::size_t fds = open_fds();
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    // the device gets the last number
    const int next = dup(0);
    REQUIRE(next >= 0);
    close(next);
    const rlimit tight{static_cast<rlim_t>(next) + 1, limit.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    std::error_code ec;
    const auto process = Process::open("/dev/binder", ec);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(process == nullptr);
    CHECK(ec.value() == EMFILE);
    CHECK(maps() == before);
    CHECK(open_fds() == fds);
}

TEST_CASE("a death is heard of by who finds a service that another lets go", "[library][binder]") {
    const Manager manager;
    constexpr int rounds = 8;
    auto server = test::BinderChild([](const auto& ready) {
        const auto process = Process::open();
        for (int i = 0; i < rounds; ++i)
            add_service(*process, std::to_string(i), {silent(), nullptr});
        ready();
        process->serve();
    });
    auto other = serving("other", [](Process&) { return silent(); });
    const auto process = Process::open();
    const Looper looper(process);
    const auto names = process->context_manager();
    const auto somebody = find_service(*process, "other").remote;
    const std::function<void()> slow = SlowCopy();
    std::vector<std::shared_ptr<Remote>> found(rounds);
    std::atomic<int> heard{0};
    for (int i = 0; i < rounds; ++i) {
        auto last = find_service(*process, std::to_string(i)).remote;
        last->link_to_death([] {});
        Message answer = look_up(*names, std::to_string(i));
        // who comes waits for the lock, and so does who goes, after that
        std::thread busy([&] { somebody->link_to_death(slow); });
        std::this_thread::sleep_for(SlowCopy::takes / 3);
        std::thread finder([&] {
            found[static_cast<std::size_t>(i)] = answer.object().remote;
            found[static_cast<std::size_t>(i)]->link_to_death([&] { ++heard; });
        });
        std::this_thread::sleep_for(SlowCopy::takes / 3);
        last.reset();
        finder.join();
        busy.join();
    }
    server.kill();
    CHECK(eventually([&] { return heard == rounds; }));
}

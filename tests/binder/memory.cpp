// SPDX-License-Identifier: Apache-2.0
// Heaps and windows over Binder, in libbinder's form, some from senders that lie.
#include <binder/MemoryBase.h>
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "support/binder.hpp"
#include "support/region.hpp"

using namespace ashmem::binder;
using android::MemoryBase;
using android::MemoryDealer;
using android::MemoryHeapBase;
using android::sp;
using test::Manager;
using test::page_size;
using test::Service;
using test::serving;

namespace {

sp<MemoryHeapBase> filled_heap(std::uint32_t flags) {
    auto heap = sp<MemoryHeapBase>::make(2 * page_size(), flags, "heap over binder");
    std::memset(heap->getBase(), 7, heap->getSize());
    return heap;
}

// What the owner of a heap might answer: HEAP_ID of a region, with these numbers.
struct Lie {
    int fd = -1;
    std::uint64_t size = 0;
    std::int64_t offset = 0;
};

test::BinderChild liar(const std::vector<Lie>& lies) {
    return serving("liar", [&](Process&) {
        return std::make_shared<Service>([lies](Call& call, Parcel& out) {
            const Lie& lie = lies.at(call.code == 1 ? 0 : call.code);
            if (lie.fd >= 0) out.fd(lie.fd);
            out.u64(lie.size);
            out.i64(lie.offset);
            out.u32(0);
            return 0;
        });
    });
}

// What comes of a heap whose owner answers so.
int outcome_of(const Lie& lie) {
    auto server = liar({lie});
    const auto process = Process::open();
    std::error_code ec;
    const auto heap = heap_of(find_service(*process, "liar"), ec);
    if (!ec && heap->getBase() == MAP_FAILED) return -1;
    return ec.value();
}

// Destroyed after every static object that is made while the tests run.
struct AtEnd {
    std::function<void()> work;
    ~AtEnd() {
        if (work) work();
    }
} at_end;

} // namespace

TEST_CASE("heaps are published while a program ends", "[library][host]") {
    CHECK(test::in_child([]() -> int {
              alarm(60);
              const auto heap = filled_heap(0);
              at_end.work = [heap, object = publish(heap)] {
                  _exit(publish(heap) == object ? 0 : 1);
              };
              std::exit(2);
          }) == 0);
}

TEST_CASE("a heap that is published again after its object ended has a new one",
          "[library][host]") {
    const auto heap = filled_heap(0);
    auto first = publish(heap);
    CHECK(publish(heap) == first);
    const std::weak_ptr<Object> watched = first;
    first.reset();
    CHECK(watched.expired());
    const auto second = publish(heap);
    CHECK(second != nullptr);
    CHECK(publish(heap) == second);
}

TEST_CASE("a heap crosses, mapped as its flags say", "[library][binder]") {
    const Manager manager;
    auto server = serving("heap", [](Process&) { return publish(filled_heap(0)); });
    auto closed =
        serving("closed", [](Process&) { return publish(filled_heap(MemoryHeapBase::READ_ONLY)); });
    const auto process = Process::open();

    const auto heap = heap_of(find_service(*process, "heap"));
    REQUIRE(heap);
    CHECK(heap->getSize() == 2 * page_size());
    CHECK(heap->getFlags() == 0);
    CHECK(heap->getOffset() == 0);
    CHECK(heap->getHeapID() >= 0);
    auto* const bytes = static_cast<char*>(heap->getBase());
    CHECK(bytes[2 * page_size() - 1] == 7);
    bytes[0] = 8;

    const auto locked = heap_of(find_service(*process, "closed"));
    CHECK(locked->getFlags() == MemoryHeapBase::READ_ONLY);
    CHECK(static_cast<char*>(locked->getBase())[0] == 7);
    CHECK(mprotect(locked->getBase(), page_size(), PROT_READ | PROT_WRITE) == -1);
}

TEST_CASE("HEAP_ID answers descriptor, size, offset and flags", "[library][binder]") {
    const Manager manager;
    auto server =
        serving("heap", [](Process&) { return publish(filled_heap(MemoryHeapBase::READ_ONLY)); });
    const auto process = Process::open();
    Parcel in;
    in.token(u"android.utils.IMemoryHeap");
    Message answer = find_service(*process, "heap").remote->call(1, in);
    CHECK(answer.fd().ok());
    CHECK(answer.u64() == 2 * page_size());
    CHECK(answer.i64() == 0);
    CHECK(answer.u32() == MemoryHeapBase::READ_ONLY);
    CHECK(answer.ok());
    CHECK(answer.left() == 0);
    std::error_code ec;
    (void)find_service(*process, "heap").remote->call(1, Parcel(), ec);
    CHECK(ec.value() == EPERM);
}

TEST_CASE("GET_MEMORY answers a heap, offset and size", "[library][binder]") {
    const Manager manager;
    auto server = serving(
        "window", [](Process&) { return publish(sp<MemoryBase>::make(filled_heap(0), 100, 50)); });
    const auto process = Process::open();
    Parcel in;
    in.token(u"android.utils.IMemory");
    Message answer = find_service(*process, "window").remote->call(1, in);
    CHECK(answer.object().remote);
    CHECK(answer.i64() == 100);
    CHECK(answer.u64() == 50);
    CHECK(answer.ok());
    CHECK(answer.left() == 0);
}

TEST_CASE("windows of one heap share one map of it", "[library][binder]") {
    const Manager manager;
    auto server = serving("dealer", [](Process&) {
        const auto dealer = sp<MemoryDealer>::make(4 * page_size());
        return std::make_shared<Service>([dealer](Call& call, Parcel& out) {
            const auto window = dealer->allocate(call.in.u32());
            if (!window) return -ENOMEM;
            std::memset(window->unsecurePointer(), static_cast<int>(window->size() & 0xff),
                        window->size());
            out.object({publish(window), nullptr});
            return 0;
        });
    });
    const auto process = Process::open();
    const auto dealer = find_service(*process, "dealer").remote;
    const auto allocate = [&](std::uint32_t size) {
        Parcel in;
        in.u32(size);
        return memory_of(dealer->call(1, in).object());
    };
    const auto first = allocate(100), second = allocate(200);
    CHECK(first->offset() == 0);
    CHECK(second->offset() == 128);
    CHECK(second->size() == 200);
    CHECK(first->getMemory()->getBase() == second->getMemory()->getBase());
    CHECK(static_cast<char*>(first->unsecurePointer())[99] == 100);
    CHECK(static_cast<unsigned char*>(second->unsecurePointer())[199] == 200);
    Parcel in;
    in.u32(static_cast<std::uint32_t>(8 * page_size()));
    std::error_code ec;
    (void)dealer->call(1, in, ec);
    CHECK(ec.value() == ENOMEM);
}

TEST_CASE("a heap and a window that come home are those that left", "[library][binder]") {
    const Manager manager;
    auto server = serving("echo", [](Process&) {
        return std::make_shared<Service>([](Call& call, Parcel& out) {
            out.object(call.in.object());
            return call.in.ok() ? 0 : -EINVAL;
        });
    });
    const auto process = Process::open();
    const auto echo = find_service(*process, "echo").remote;
    const auto heap = filled_heap(0);
    const auto window = sp<MemoryBase>::make(heap, 8, 8);
    const auto there_and_back = [&](const std::shared_ptr<Object>& object) {
        Parcel in;
        in.object({object, nullptr});
        return echo->call(1, in).object();
    };
    CHECK(heap_of(there_and_back(publish(heap))) == heap);
    CHECK(memory_of(there_and_back(publish(window))) == window);
    std::error_code ec;
    CHECK(!heap_of(Reference(), ec));
    CHECK(ec.value() == EINVAL);
    CHECK(!memory_of(Reference(), ec));
    CHECK(ec.value() == EINVAL);
    const Reference neither{std::make_shared<Service>(nullptr), nullptr};
    CHECK(!heap_of(neither, ec));
    CHECK(ec.value() == EBADMSG);
    CHECK(!memory_of(neither, ec));
    CHECK(ec.value() == EBADMSG);
}

TEST_CASE("a heap outlives its owner", "[library][binder]") {
    const Manager manager;
    auto server = serving("heap", [](Process&) { return publish(filled_heap(0)); });
    const auto process = Process::open();
    const auto heap = heap_of(find_service(*process, "heap"));
    server.kill();
    CHECK(static_cast<char*>(heap->getBase())[page_size()] == 7);
}

TEST_CASE("a heap is refused whose owner lies about it", "[library][binder]") {
    const Manager manager;
    const std::size_t page = page_size();
    const auto region = ashmem::Region::create("lies", 2 * page);
    const int good = region.fd();
    const auto whole = static_cast<std::int64_t>(2 * page);
    CHECK(outcome_of({good, 2 * page, 0}) == 0);
    CHECK(outcome_of({good, page, static_cast<std::int64_t>(page)}) == 0);
    CHECK(outcome_of({good, 3 * page, 0}) == EBADMSG);
    CHECK(outcome_of({good, 2 * page, static_cast<std::int64_t>(page)}) == EBADMSG);
    CHECK(outcome_of({good, page, whole}) == EBADMSG);
    CHECK(outcome_of({good, page, -static_cast<std::int64_t>(page)}) == EBADMSG);
    CHECK(outcome_of({good, page, 1}) == EBADMSG);
    CHECK(outcome_of({good, 0, 0}) == EBADMSG);
    CHECK(outcome_of({good, UINT64_MAX, 0}) == EBADMSG);
    CHECK(outcome_of({-1, page, 0}) == EBADMSG);
}

TEST_CASE("a heap is refused whose descriptor is none that holds", "[library][binder]") {
    const Manager manager;
    const std::size_t page = page_size();
    int sockets[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    const int shrinks = memfd_create("shrinks", MFD_CLOEXEC);
    const int holds = memfd_create("holds", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(ftruncate(shrinks, static_cast<off_t>(page)) == 0);
    REQUIRE(ftruncate(holds, static_cast<off_t>(page)) == 0);
    REQUIRE(fcntl(holds, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(outcome_of({sockets[0], page, 0}) == ENOTTY);
    CHECK(outcome_of({shrinks, page, 0}) == ENOTTY);
    CHECK(outcome_of({holds, page, 0}) == 0);
    for (const int fd : {sockets[0], sockets[1], shrinks, holds})
        close(fd);
}

TEST_CASE("a window is refused that does not lie within its heap", "[library][binder]") {
    const Manager manager;
    auto server = serving("windows", [](Process&) {
        const auto heap = publish(filled_heap(0));
        return std::make_shared<Service>([heap](Call& call, Parcel& out) {
            const std::int64_t offset = call.in.i64();
            const std::uint64_t size = call.in.u64();
            // a window that answers what the test wants
            const auto window =
                std::make_shared<Service>([heap, offset, size](Call&, Parcel& answer) {
                    answer.object({heap, nullptr});
                    answer.i64(offset);
                    answer.u64(size);
                    return 0;
                });
            out.object({window, nullptr});
            return 0;
        });
    });
    const auto process = Process::open();
    const auto windows = find_service(*process, "windows").remote;
    const auto code = [&](std::int64_t offset, std::uint64_t size) {
        Parcel in;
        in.i64(offset);
        in.u64(size);
        std::error_code ec;
        (void)memory_of(windows->call(1, in).object(), ec);
        return ec.value();
    };
    const std::uint64_t whole = 2 * page_size();
    CHECK(code(0, whole) == 0);
    CHECK(code(0, whole + 1) == EBADMSG);
    CHECK(code(-1, 1) == EBADMSG);
    CHECK(code(static_cast<std::int64_t>(whole) + 1, 0) == EBADMSG);
    CHECK(code(8, UINT64_MAX - 4) == EBADMSG);
}

TEST_CASE("heaps, windows and the name server tell their interfaces, and no other call",
          "[library][binder]") {
    const Manager manager;
    const auto heaps = serving("heap", [](Process&) { return publish(filled_heap(0)); });
    const auto windows = serving(
        "window", [](Process&) { return publish(sp<MemoryBase>::make(filled_heap(0), 100, 50)); });
    const auto process = Process::open();
    constexpr std::uint32_t interface = '_' << 24 | 'N' << 16 | 'T' << 8 | 'F';
    const auto check = [&](const std::shared_ptr<Remote>& remote, const std::u16string& name) {
        CHECK(remote->call(interface, Parcel()).string16() == name);
        std::error_code ec;
        Parcel in;
        in.token(name);
        (void)remote->call(99, in, ec);
        CHECK(ec.value() == EBADMSG);
        (void)remote->call(1, Parcel(), ec); // without the token
        CHECK(ec.value() == EPERM);
    };
    check(find_service(*process, "heap").remote, u"android.utils.IMemoryHeap");
    check(find_service(*process, "window").remote, u"android.utils.IMemory");
    check(process->context_manager(), u"android.os.IServiceManager");
}

TEST_CASE("a window without a heap is EBADMSG, and a heap that ended gives none",
          "[library][binder]") {
    const Manager manager;
    const auto empty = serving("empty", [](Process&) {
        return std::make_shared<Service>([](Call&, Parcel& out) {
            out.object({});
            out.i64(0);
            out.u64(1);
            return 0;
        });
    });
    const auto hollow = serving("hollow", [](Process&) {
        return publish(sp<MemoryBase>::make(sp<android::IMemoryHeap>(), 0, 1));
    });
    const auto ended = serving("ended", [](Process&) {
        const auto heap = filled_heap(0);
        auto object = publish(heap);
        heap->dispose();
        return object;
    });
    const auto process = Process::open();
    std::error_code ec;
    for (const char* const name : {"empty", "hollow"}) {
        CHECK(memory_of(find_service(*process, name), ec) == nullptr);
        CHECK(ec.value() == EBADMSG);
    }
    CHECK(heap_of(find_service(*process, "ended"), ec) == nullptr);
    CHECK(ec.value() == -android::NO_INIT);
}

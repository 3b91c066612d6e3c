// SPDX-License-Identifier: Apache-2.0
// MemoryHeapBase and MemoryBase, written as Android's own tests are: by its headers
// and names only.
#include <binder/MemoryBase.h>
#include <binder/MemoryHeapBase.h>
#include <cutils/ashmem.h>
#include <fcntl.h>
#include <linux/ashmem.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <climits>
#include <cstring>
#include <thread>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "support/sockets.hpp"

using android::IMemoryHeap;
using android::MemoryBase;
using android::MemoryHeapBase;
using android::sp;
using test::page_size;

namespace {

// the errno of mapping a heap's descriptor for writing, as a receiver would
long try_to_write(const sp<MemoryHeapBase>& heap) {
    return test::try_map(heap->getHeapID(), heap->getSize(), test::rw);
}

int seals(std::uint32_t flags) {
    const auto heap = sp<MemoryHeapBase>::make(8192, flags, "sealed");
    REQUIRE(heap->getHeapID() >= 0);
    CHECK(heap->getFlags() == flags);
    CHECK(ftruncate(heap->getHeapID(), 4096) == -1);
    return fcntl(heap->getHeapID(), F_GET_SEALS);
}

class Counted : public MemoryHeapBase {
public:
    explicit Counted(int& living) : MemoryHeapBase(1), living_(living) { ++living_; }
    ~Counted() override { --living_; }
    void onFirstRef() override { living_ += 10; }

private:
    int& living_;
};

bool failed(const MemoryHeapBase& heap, int error) {
    return errno == error && heap.getHeapID() == -1 && heap.getBase() == MAP_FAILED;
}

class Taken : public MemoryHeapBase {
public:
    Taken() = default;
    using MemoryHeapBase::init;
};

} // namespace

TEST_CASE("a heap is a region of whole pages, mapped", "[library][anywhere]") {
    const auto heap = sp<MemoryHeapBase>::make(page_size() + 1, 0u, "heap");
    CHECK(heap->getSize() == 2 * page_size());
    CHECK(heap->virtualSize() == heap->getSize());
    REQUIRE(heap->getBase() != MAP_FAILED);
    CHECK(ashmem_valid(heap->getHeapID()) == 1);
    CHECK(ashmem_get_size_region(heap->heapID()) == static_cast<int>(2 * page_size()));
    CHECK(fcntl(heap->getHeapID(), F_GETFD) == FD_CLOEXEC);
    CHECK(heap->getFlags() == 0);
    CHECK(heap->getOffset() == 0);
    CHECK(heap->getDevice() == nullptr);
    std::memset(heap->base(), 1, heap->getSize());
    CHECK(try_to_write(heap) == 0);
}

TEST_CASE("a read-only heap is its owner's to write and nobody else's", "[library][anywhere]") {
    const auto heap = sp<MemoryHeapBase>::make(page_size(), MemoryHeapBase::READ_ONLY);
    REQUIRE(heap->getBase() != MAP_FAILED);
    CHECK(ashmem_valid(heap->getHeapID()) == 1);
    CHECK(heap->getFlags() == MemoryHeapBase::READ_ONLY);
    std::memset(heap->getBase(), 7, page_size());
    CHECK(try_to_write(heap) == -EPERM);
    const auto other =
        sp<MemoryHeapBase>::make(heap->getHeapID(), page_size(), MemoryHeapBase::READ_ONLY);
    REQUIRE(other->getBase() != MAP_FAILED);
    CHECK(*static_cast<const char*>(other->getBase()) == 7);
}

TEST_CASE("a heap that is to be a memfd has Android's seals", "[library][anywhere]") {
    constexpr int size = F_SEAL_GROW | F_SEAL_SHRINK;
    constexpr auto memfd = MemoryHeapBase::FORCE_MEMFD, open = MemoryHeapBase::MEMFD_ALLOW_SEALING,
                   read_only = MemoryHeapBase::READ_ONLY;
    CHECK(seals(memfd) == (size | F_SEAL_SEAL));
    CHECK(seals(memfd | read_only) == (size | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE));
    CHECK(seals(open) == size);
    CHECK(seals(open | read_only) == (size | F_SEAL_FUTURE_WRITE));
}

TEST_CASE("a heap that is not to be mapped has no base", "[library][anywhere]") {
    const auto heap = sp<MemoryHeapBase>::make(page_size(), MemoryHeapBase::DONT_MAP_LOCALLY);
    CHECK(heap->getHeapID() >= 0);
    CHECK(heap->getBase() == nullptr);
    CHECK(sp<MemoryBase>::make(heap, 0, 1)->unsecurePointer() == nullptr);
}

TEST_CASE("a disposed heap has no base and no descriptor, twice", "[library][anywhere]") {
    const auto heap = sp<MemoryHeapBase>::make(page_size());
    const int fd = heap->getHeapID();
    heap->dispose();
    heap->dispose();
    CHECK(heap->getHeapID() == -1);
    CHECK(heap->getBase() == nullptr);
    CHECK(fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("a heap that can't be made says so by -1, MAP_FAILED and errno", "[library][anywhere]") {
    errno = 0;
    MemoryHeapBase none(std::size_t{0});
    CHECK(errno == EINVAL);
    CHECK(none.getHeapID() == -1);
    CHECK(none.getBase() == MAP_FAILED);
    MemoryHeapBase huge(SIZE_MAX);
    CHECK(huge.getHeapID() == -1);
    CHECK(huge.getBase() == MAP_FAILED);
    errno = 0;
    MemoryHeapBase absent("/no/such/device", 4096);
    CHECK(errno == ENOENT);
    CHECK(absent.getBase() == MAP_FAILED);
    errno = 0;
    MemoryHeapBase closed(-1, 4096);
    CHECK(errno == EBADF);
    CHECK(closed.getHeapID() == -1);
    errno = 0;
    MemoryHeapBase device("/dev/zero", 4096, MemoryHeapBase::FORCE_MEMFD);
    CHECK(errno == EINVAL);
    CHECK(device.getHeapID() == -1);
}

TEST_CASE("a heap that gets no descriptor or no size is none, and keeps nothing open",
          "[library][anywhere]") {
    CHECK(test::in_child([] {
              constexpr auto memfd = MemoryHeapBase::FORCE_MEMFD;
              const std::size_t before = test::open_descriptors();
              signal(SIGXFSZ, SIG_IGN);
              const rlimit one_page{page_size(), page_size()};
              if (setrlimit(RLIMIT_FSIZE, &one_page) != 0) return 1;
              errno = 0;
              const MemoryHeapBase large(2 * page_size(), memfd);
              if (!failed(large, EFBIG)) return 2;
              if (test::open_descriptors() != before) return 3;
              test::leave_numbers(0);
              errno = 0;
              const MemoryHeapBase none(page_size(), memfd);
              return failed(none, EMFILE) ? 0 : 4;
          }) == 0);
}

TEST_CASE("a heap that was to be read-only and can't be is none", "[device][library]") {
    CHECK(test::in_child([] {
              const std::size_t before = test::open_descriptors();
              test::refuse_call(SYS_ioctl, EPERM, static_cast<std::uint32_t>(ASHMEM_SET_PROT_MASK));
              const MemoryHeapBase writable(page_size(), 0);
              if (writable.getBase() == MAP_FAILED) return 1;
              errno = 0;
              const MemoryHeapBase heap(page_size(), MemoryHeapBase::READ_ONLY);
              if (!failed(heap, EPERM)) return 2;
              return test::open_descriptors() == before + 1 ? 0 : 3;
          }) == 0);
}

TEST_CASE("a heap over a descriptor duplicates it and knows its size", "[library][anywhere]") {
    const auto first = sp<MemoryHeapBase>::make(3 * page_size());
    static_cast<char*>(first->getBase())[page_size()] = 42;
    const auto whole = sp<MemoryHeapBase>::make(first->getHeapID(), std::size_t{0});
    CHECK(whole->getHeapID() != first->getHeapID());
    CHECK(whole->getSize() == 3 * page_size());
    const auto part = sp<MemoryHeapBase>::make(first->getHeapID(), page_size(), 0u,
                                               static_cast<off_t>(page_size()));
    CHECK(part->getOffset() == static_cast<off_t>(page_size()));
    CHECK(*static_cast<char*>(part->getBase()) == 42);
}

TEST_CASE("a heap over a device or file has its path and size", "[library][anywhere]") {
    const int fd = memfd_create("file", 0);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    REQUIRE(ftruncate(fd, static_cast<off_t>(2 * page_size())) == 0);
    {
        MemoryHeapBase heap(path.c_str());
        REQUIRE(heap.getBase() != MAP_FAILED);
        CHECK(heap.getSize() == 2 * page_size());
        CHECK(std::string(heap.getDevice()) == path);
        std::memcpy(heap.getBase(), "here", 4);
        CHECK((fcntl(heap.getHeapID(), F_GETFL) & O_SYNC) == 0);
    }
    {
        const MemoryHeapBase uncached(path.c_str(), 0, MemoryHeapBase::NO_CACHING);
        CHECK((fcntl(uncached.getHeapID(), F_GETFL) & O_SYNC) == O_SYNC);
    }
    // nothing of it is there
    errno = 0;
    const MemoryHeapBase beyond(fd, 0, 0, static_cast<off_t>(3 * page_size()));
    CHECK(failed(beyond, EINVAL));
    char read[4];
    CHECK(pread(fd, read, 4, 0) == 4);
    CHECK(std::string(read, 4) == "here");
    close(fd);
}

TEST_CASE("init makes a heap of what there is, once", "[library][anywhere]") {
    const auto heap = sp<Taken>::make();
    CHECK(heap->getHeapID() == -1);
    const int fd = memfd_create("init", MFD_CLOEXEC);
    static char memory[16];
    CHECK(heap->init(fd, memory, sizeof(memory), MemoryHeapBase::READ_ONLY) == android::NO_ERROR);
    CHECK(heap->getHeapID() == fd);
    CHECK(heap->getBase() == memory);
    CHECK(heap->init(fd, memory, 1) == android::INVALID_OPERATION);
    heap->dispose();
    CHECK(fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("a window is where it says, and keeps its heap", "[library][anywhere]") {
    auto heap = sp<MemoryHeapBase>::make(page_size());
    auto* const base = static_cast<char*>(heap->getBase());
    const auto window = sp<MemoryBase>::make(heap, 100, 50);
    heap.clear();
    CHECK(window->size() == 50);
    CHECK(window->offset() == 100);
    CHECK(window->unsecurePointer() == base + 100);
    CHECK(window->pointer() == base + 100);
    ssize_t offset = 0;
    std::size_t size = 0;
    const sp<IMemoryHeap> same = window->getMemory(&offset, &size);
    CHECK(same->getStrongCount() == 2);
    CHECK(offset == 100);
    CHECK(size == 50);
}

TEST_CASE("a window that does not lie within its heap points nowhere", "[library][anywhere]") {
    const auto heap = sp<MemoryHeapBase>::make(page_size());
    const auto at = [&](ssize_t offset, std::size_t size) {
        return sp<MemoryBase>::make(heap, offset, size)->unsecurePointer();
    };
    const auto whole = static_cast<ssize_t>(page_size());
    CHECK(at(0, page_size()) == heap->getBase());
    CHECK(at(whole, 0) != nullptr);
    CHECK(at(-1, 1) == nullptr);
    CHECK(at(0, page_size() + 1) == nullptr);
    CHECK(at(whole, 1) == nullptr);
    CHECK(at(whole + 1, 0) == nullptr);
    CHECK(at(16, SIZE_MAX - 8) == nullptr);
    CHECK(at(SSIZE_MAX, 1) == nullptr);
    CHECK(sp<MemoryBase>::make(nullptr, 0, 1)->unsecurePointer() == nullptr);
    const auto none = sp<MemoryHeapBase>::make(-1, page_size());
    CHECK(sp<MemoryBase>::make(none, 0, 1)->unsecurePointer() == nullptr);
}

namespace {

// What each of its holders leaves behind is there at its end.
struct Shared : android::RefBase {
    explicit Shared(long& its_sum) : sum(its_sum) {}
    ~Shared() override { sum += left[0] + left[1]; }
    long left[2] = {};
    long& sum;
};

} // namespace

// Under ThreadSanitizer an end that is not after all uses is a race.
TEST_CASE("what threads did with an object comes before its end", "[library][host]") {
    long sum = 0;
    for (int i = 0; i < 200; ++i) {
        auto object = sp<Shared>::make(sum);
        std::array<std::thread, 2> threads;
        for (std::size_t t = 0; t < threads.size(); ++t)
            threads[t] = std::thread([mine = object, t]() mutable {
                mine->left[t] = 1;
                mine.clear();
            });
        object.clear();
        for (auto& thread : threads)
            thread.join();
    }
    CHECK(sum == 400);
}

TEST_CASE("sp counts, and the last one ends the object", "[library][host]") {
    int living = 0;
    {
        auto first = sp<Counted>::make(living);
        CHECK(living == 11);
        sp<IMemoryHeap> second = first;
        CHECK(second->getStrongCount() == 2);
        CHECK(second == first);
        first = nullptr;
        CHECK(second->getStrongCount() == 1);
        sp<IMemoryHeap> third(std::move(second));
        CHECK(second == nullptr); // NOLINT(*-move,*.Move)
        third = third.get();
        CHECK(living == 11);
    }
    CHECK(living == 10);
}

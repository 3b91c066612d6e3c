// SPDX-License-Identifier: Apache-2.0
// The library without the driver: what a memfd does as the driver would, and what
// it cannot. The same C and C++ functions; README.md of libashmem has the list.
#include <android/sharedmem.h>
#include <ashmem/ashmem.h>
#include <binder/MemoryHeapBase.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <list>
#include <tuple>
#include <utility>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"

using test::in_child;
using test::page_size;
using test::rw;

namespace {

class Memfd {
public:
    explicit Memfd(std::size_t size, const char* name = "region")
        : region_(test::Region::Adopt{ashmem_create_region(name, size)}) {
        REQUIRE(region_.fd() >= 0);
    }
    [[nodiscard]] int fd() const { return region_.fd(); }
    [[nodiscard]] long try_map(std::size_t length, int prot = rw) const {
        return region_.try_map(length, prot);
    }
    [[nodiscard]] test::Map map(std::size_t length, int prot = rw) const {
        return region_.map(length, prot);
    }
    [[nodiscard]] std::string name() const {
        char text[ASHMEM_NAME_LEN];
        return ashmem_get_name_region(fd(), text, sizeof(text)) < 0 ? "" : text;
    }

private:
    test::Backend backend_{"memfd"};
    test::Region region_;
};

int error_of(long ret) {
    return ret == -1 ? errno : 0;
}

} // namespace

TEST_CASE("without the driver a region is a memfd of the exact size", "[library][host]") {
    for (std::size_t size : {std::size_t{1}, page_size(), std::size_t{1234567}}) {
        const Memfd region(size);
        CHECK(ashmem_backend(region.fd()) == ASHMEM_BACKEND_MEMFD);
        CHECK(ashmem_valid(region.fd()) == 1);
        CHECK(ashmem_get_size_region(region.fd()) == static_cast<int>(size));
        CHECK(ASharedMemory_getSize(region.fd()) == size);
        CHECK(fcntl(region.fd(), F_GETFD) == FD_CLOEXEC);
        CHECK(error_of(ftruncate(region.fd(), 1 << 20)) == EPERM);
        CHECK(error_of(ftruncate(region.fd(), 0)) == EPERM);
    }
}

TEST_CASE("auto takes the driver where there is one, and a memfd elsewhere", "[library][host]") {
    const test::Backend any("auto");
    test::Region region(test::Region::Adopt{ashmem_create_region("x", 1)});
    CHECK(ashmem_backend(region.fd()) ==
          (ashmem_device_is_supported() ? ASHMEM_BACKEND_DEVICE : ASHMEM_BACKEND_MEMFD));
}

TEST_CASE("a device that this process has not is replaced by a memfd, one that fails is not",
          "[library][anywhere]") {
    // A device that is absent is not looked for again in the same second.
    const auto create = [](int error) {
        return [error] {
            const test::Backend automatic("");
            usleep(1010000);
            test::refuse_call(SYS_openat, error);
            const int fd = ashmem_create_region("x", page_size());
            return fd >= 0 && ashmem_backend(fd) == ASHMEM_BACKEND_MEMFD ? 0 : error_of(fd);
        };
    };
    std::list<std::pair<test::Child, int>> children;
    for (const int error :
         {ENOENT, ENXIO, ENODEV, EACCES, EPERM, ENOTTY, EISDIR, ENOTDIR, ELOOP, EROFS})
        children.emplace_back(std::piecewise_construct, std::tuple(create(error)), std::tuple(0));
    for (const int error : {EMFILE, ENOMEM, EIO})
        children.emplace_back(std::piecewise_construct, std::tuple(create(error)),
                              std::tuple(error));
    for (auto& [child, outcome] : children)
        CHECK(child.wait() == outcome);
}

TEST_CASE("a backend of another name is EINVAL", "[library][host]") {
    const test::Backend none("ashmemd");
    CHECK(error_of(ashmem_create_region("x", 1)) == EINVAL);
}

TEST_CASE("a memfd's name is told, and cut at 249 bytes", "[library][host]") {
    CHECK(Memfd(1, "twelve bytes").name() == "twelve bytes");
    CHECK(Memfd(1, nullptr).name() == "none");
    CHECK(Memfd(1, "").name().empty());
    CHECK(Memfd(1, "a/b (deleted)").name() == "a/b (deleted)");
    CHECK(Memfd(1, std::string(300, 'n').c_str()).name() == std::string(249, 'n'));
    char text[16];
    const Memfd region(1, "twelve bytes");
    CHECK(error_of(ashmem_get_name_region(region.fd(), text, 12)) == ERANGE);
    CHECK(ashmem_get_name_region(region.fd(), text, 13) == 12);
}

TEST_CASE("a memfd narrowed to READ can't be mapped for writing, by any holder",
          "[library][host]") {
    const Memfd region(page_size());
    test::Map before = region.map(page_size());
    CHECK(ashmem_get_prot_region(region.fd()) == test::rwx);
    REQUIRE(in_child([&] { return ashmem_set_prot_region(region.fd(), PROT_READ); }) == 0);
    CHECK(ashmem_get_prot_region(region.fd()) == (PROT_READ | PROT_EXEC));
    CHECK(region.try_map(page_size(), rw) == -EPERM);
    const test::Map after = region.map(page_size(), PROT_READ);
    before[0] = 42;
    CHECK(after[0] == 42);
    CHECK(mprotect(after.address(), page_size(), rw) == -1);
    CHECK(errno == EACCES);
    CHECK(error_of(pwrite(region.fd(), "x", 1, 0)) == EPERM);
    CHECK(error_of(ashmem_set_prot_region(region.fd(), rw)) == EINVAL);
    CHECK(ashmem_set_prot_region(region.fd(), PROT_READ) == 0);
}

TEST_CASE("reading can't be taken from a memfd, and that is said", "[library][host]") {
    const Memfd region(page_size());
    CHECK(error_of(ashmem_set_prot_region(region.fd(), PROT_WRITE)) == EOPNOTSUPP);
    CHECK(error_of(ashmem_set_prot_region(region.fd(), PROT_NONE)) == EOPNOTSUPP);
    CHECK(error_of(ashmem_set_prot_region(region.fd(), 8 | PROT_READ)) == EINVAL);
    CHECK(ashmem_get_prot_region(region.fd()) == test::rwx);
}

TEST_CASE("a memfd is always pinned and never purged", "[library][host]") {
    const Memfd region(3 * page_size() - 1);
    test::Map map = region.map(3 * page_size() - 1);
    map.fill(7);
    CHECK(ashmem_unpin_region(region.fd(), 0, 0) == 0);
    CHECK(ashmem_get_pin_status_region(region.fd(), 0, 0) == ASHMEM_IS_PINNED);
    CHECK(ashmem_pin_region(region.fd(), 0, 0) == ASHMEM_NOT_PURGED);
    CHECK(map.holds(7));
}

TEST_CASE("a memfd's pin ranges are checked as the driver's", "[library][host]") {
    const Memfd region(3 * page_size() - 1);
    const std::size_t page = page_size();
    for (auto [offset, length] : {std::pair<std::size_t, std::size_t>{1, 0},
                                  {0, 1},
                                  {0, 4 * page},
                                  {4 * page, 0},
                                  {2 * page, 2 * page},
                                  {page, UINT32_MAX - page + 1}}) {
        INFO(offset << ' ' << length);
        CHECK(error_of(ashmem_pin_region(region.fd(), offset, length)) == EINVAL);
        CHECK(error_of(ashmem_unpin_region(region.fd(), offset, length)) == EINVAL);
        CHECK(error_of(ashmem_get_pin_status_region(region.fd(), offset, length)) == EINVAL);
    }
    // beyond 32 bits, where there are offsets beyond
    for (const std::size_t over = std::size_t{1} << (4 * sizeof(std::size_t));
         auto [offset, length] : {std::pair<std::size_t, std::size_t>{over, 0}, {0, over}})
        CHECK(error_of(ashmem_pin_region(region.fd(), offset, length)) == EINVAL);
    CHECK(ashmem_pin_region(region.fd(), page, 2 * page) == ASHMEM_NOT_PURGED);
    CHECK(ashmem_pin_region(region.fd(), 3 * page, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("purging memfds needs the capability that the driver asks for", "[library][host]") {
    const Memfd region(1);
    CHECK(in_child([&] {
              test::drop_capabilities();
              return error_of(ashmem_purge_all_caches(region.fd()));
          }) == EPERM);
    // also where it cannot be told
    CHECK(in_child([&] {
              test::refuse_call(SYS_capget, ENOSYS);
              return error_of(ashmem_purge_all_caches(region.fd()));
          }) == EPERM);
}

TEST_CASE("a memfd is narrowed once, and again without an error", "[library][host]") {
    const Memfd region(page_size());
    for (const int protection : {test::rwx, PROT_READ | PROT_EXEC, PROT_READ, PROT_READ})
        CHECK(ashmem_set_prot_region(region.fd(), protection) == 0);
    CHECK(ashmem_get_prot_region(region.fd()) == (PROT_READ | PROT_EXEC));
    CHECK(error_of(ashmem_set_prot_region(region.fd(), rw)) == EINVAL);
}

TEST_CASE("a memfd that can be made shorter is no region", "[library][host]") {
    test::Region other(test::Region::Adopt{memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING)});
    REQUIRE(ftruncate(other.fd(), 100) == 0);
    CHECK(ashmem_valid(other.fd()) == 0);
    CHECK(errno == ENOTTY);
    REQUIRE(fcntl(other.fd(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(ashmem_valid(other.fd()) == 1);
    CHECK(ashmem_get_size_region(other.fd()) == 100);
}

TEST_CASE("a Region over a memfd maps, narrows and crosses a socket", "[library][host]") {
    const test::Backend memfd("memfd");
    auto region = ashmem::Region::create("frames", 2 * page_size());
    ashmem::Mapping writer = region.map(ashmem::Prot::read_write);
    region.set_protection(ashmem::Prot::read);
    int sockets[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    const ashmem::unique_fd ours(sockets[0]), theirs(sockets[1]);
    ashmem::send_fd(ours.get(), region.fd());
    auto received = ashmem::Region::adopt(ashmem::receive_fd(theirs.get()));
    CHECK(received.size() == 2 * page_size());
    CHECK(received.name() == "frames");
    const ashmem::Mapping reader = received.map(ashmem::Prot::read, page_size());
    writer.bytes()[page_size()] = std::byte{9};
    CHECK(reader.bytes()[0] == std::byte{9});
    std::error_code ec;
    CHECK_FALSE(received.map(ashmem::Prot::read_write, ec).ok());
    CHECK(ec.value() == EPERM);
    CHECK_FALSE(received.map(ashmem::Prot::read, 0, 3 * page_size(), ec).ok());
    CHECK(ec.value() == EINVAL);
}

TEST_CASE("a memfd of size 0 is made and can't be mapped", "[library][host]") {
    const Memfd region(0);
    CHECK(ashmem_get_size_region(region.fd()) == 0);
    std::error_code ec;
    auto same = ashmem::Region::dup(region.fd(), ec);
    CHECK_FALSE(same.map(ashmem::Prot::read, ec).ok());
    CHECK(ec.value() == EINVAL);
}

TEST_CASE("a memfd that holds a preloaded program's region is none here", "[library][host]") {
    const int fd = memfd_create("dev/ashmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const test::Region preloaded(test::Region::Adopt{fd});
    REQUIRE(ftruncate(fd, (off_t{1} << 62) + 3000000) == 0);
    REQUIRE(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
    CHECK(ashmem_valid(fd) == 0);
    CHECK(ashmem_backend(fd) == -1);
    CHECK(error_of(ashmem_get_size_region(fd)) == ENOTTY);
    CHECK(error_of(ashmem_pin_region(fd, 0, 0)) == ENOTTY);
    CHECK(ASharedMemory_getSize(fd) == 0);
    std::error_code error;
    (void)ashmem::Region::adopt(ashmem::unique_fd(dup(fd)), error);
    CHECK(error.value() == ENOTTY);
}

TEST_CASE("a memfd that is sealed against seals is still a region", "[library][host]") {
    const Memfd region(page_size());
    REQUIRE(fcntl(region.fd(), F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK(ashmem_valid(region.fd()) == 1);
    CHECK(ashmem_get_size_region(region.fd()) == static_cast<int>(page_size()));
}

TEST_CASE("a region that can't be sealed is none", "[library][host]") {
    CHECK(in_child([] {
#ifdef SYS_fcntl64
              constexpr long call = SYS_fcntl64;
#else
              constexpr long call = SYS_fcntl;
#endif
              const test::Backend memfd("memfd");
              const test::Region region(test::Region::Adopt{ashmem_create_region("x", 1)});
              test::refuse_call(call, EACCES, F_ADD_SEALS);
              if (error_of(ashmem_create_region("x", page_size())) != EACCES) return 1;
              if (error_of(ashmem_set_prot_region(region.fd(), PROT_READ)) != EACCES) return 2;
              const android::MemoryHeapBase heap(page_size(), android::MemoryHeapBase::FORCE_MEMFD,
                                                 "heap");
              return heap.getHeapID() == -1 && heap.getBase() == MAP_FAILED ? 0 : 3;
          }) == 0);
}

TEST_CASE("a memfd that may not or cannot be is an error", "[library][host]") {
    const test::Backend memfd("memfd");
    CHECK(in_child([] {
              test::refuse_call(SYS_memfd_create, EACCES);
              return error_of(ashmem_create_region("x", 1));
          }) == EACCES);
    // more than a file can have, where sizes have more bits than that
    if constexpr (sizeof(std::size_t) == sizeof(off_t))
        CHECK(error_of(ashmem_create_region("x", SIZE_MAX)) == EINVAL);
}

TEST_CASE("a region is made where memfds may not be executed", "[library][host]") {
    CHECK(in_child([] {
              constexpr std::uint32_t executable = 0x10; // MFD_EXEC, which not all headers have
              test::refuse_call(SYS_memfd_create, EACCES, executable);
              const test::Backend memfd("memfd");
              const test::Region region(
                  test::Region::Adopt{ashmem_create_region("x", page_size())});
              return region.try_map(page_size(), test::rwx) == 0 ? 0 : 1;
          }) == 0);
}

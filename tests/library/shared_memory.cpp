// SPDX-License-Identifier: Apache-2.0
// SharedMemory with the cases of Android's SharedMemoryTest.
#include <fcntl.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <climits>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using ashmem::Prot;
using ashmem::SharedMemory;
using test::page_size;

namespace {

// the error of a call's form with a std::error_code
template <class Call>
int error_of(Call call) {
    std::error_code ec;
    call(ec);
    return ec.value();
}

} // namespace

TEST_CASE("SharedMemory has the size asked for", "[library][anywhere]") {
    auto memory = SharedMemory::create("hello", 1);
    CHECK(memory.getSize() == 1);
    auto mapping = memory.mapReadWrite();
    CHECK(mapping.bytes().size() == 1);
    mapping.bytes()[0] = std::byte{42};
    const auto read_only = memory.mapReadOnly();
    CHECK(read_only.bytes()[0] == std::byte{42});
    CHECK(SharedMemory::create("", 4096).getSize() == 4096);
}

TEST_CASE("SharedMemory of no size or less is EINVAL", "[library][anywhere]") {
    for (int size : {0, -1, INT_MIN}) {
        CHECK(error_of([&](auto& ec) { (void)SharedMemory::create("x", size, ec); }) == EINVAL);
        CHECK_THROWS_AS(SharedMemory::create("x", size), std::system_error);
    }
}

TEST_CASE("SharedMemory that gets no descriptor is EMFILE, and closed", "[library][anywhere]") {
    CHECK(test::in_child([] {
              test::leave_numbers(0);
              std::error_code ec;
              const auto memory = SharedMemory::create("x", 1, ec);
              return ec.value() == EMFILE && memory.getFd() == -1 ? 0 : 1;
          }) == 0);
}

TEST_CASE("SharedMemory's protection is only taken away", "[library][anywhere]") {
    auto memory = SharedMemory::create("hello", 1024);
    CHECK(memory.setProtect(Prot::read));
    CHECK(memory.setProtect(Prot::read));
    CHECK_FALSE(memory.setProtect(Prot::read_write));
    CHECK(error_of([&](auto& ec) { memory.setProtect(static_cast<Prot>(8), ec); }) == EINVAL);
}

TEST_CASE("SharedMemory may be narrowed to nothing, and not back to READ", "[device][library]") {
    auto memory = SharedMemory::create("hello", 1024);
    CHECK(memory.setProtect(Prot::none));
    CHECK_FALSE(memory.setProtect(Prot::read));
}

TEST_CASE("SharedMemory that is read-only maps so, and EPERM otherwise", "[library][anywhere]") {
    auto memory = SharedMemory::create("hello", 1024);
    auto before = memory.mapReadWrite();
    REQUIRE(memory.setProtect(Prot::read));
    CHECK(error_of([&](auto& ec) { (void)memory.map(Prot::read_write, 0, 1024, ec); }) == EPERM);
    CHECK_THROWS_AS(memory.mapReadWrite(), std::system_error);
    const auto reader = memory.mapReadOnly();
    before.bytes()[1023] = std::byte{1};
    CHECK(reader.bytes()[1023] == std::byte{1});
}

TEST_CASE("SharedMemory's ranges are checked", "[library][anywhere]") {
    const int page = static_cast<int>(page_size());
    auto memory = SharedMemory::create("hello", 2 * page);
    CHECK(memory.map(Prot::read, page, page).size() == page_size());
    for (auto [offset, length] : {std::pair{-1, 1},
                                  {0, 0},
                                  {0, -1},
                                  {0, 2 * page + 1},
                                  {page, page + 1},
                                  {2 * page, 1},
                                  {INT_MAX, INT_MAX},
                                  {1, 1}}) {
        INFO(offset << ' ' << length);
        CHECK(error_of([&, o = offset, l = length](auto& ec) {
                  (void)memory.map(Prot::read, o, l, ec);
              }) == EINVAL);
    }
}

TEST_CASE("SharedMemory's maps outlive close, and close may come twice", "[library][anywhere]") {
    auto memory = SharedMemory::create("hello", 1024);
    auto mapping = memory.mapReadWrite();
    const auto copy = memory.getFdDup();
    memory.close();
    memory.close();
    mapping.bytes()[0] = std::byte{5};
    CHECK(memory.getFd() == -1);
    CHECK(error_of([&](auto& ec) { (void)memory.getSize(ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { (void)memory.map(Prot::read, 0, 1, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { memory.setProtect(Prot::read, ec); }) == EBADF);
    CHECK(error_of([&](auto& ec) { (void)memory.getFdDup(ec); }) == EBADF);
    CHECK_THROWS_AS(memory.mapReadOnly(), std::system_error);
    auto again =
        SharedMemory::fromFileDescriptor(ashmem::unique_fd(fcntl(copy.get(), F_DUPFD_CLOEXEC, 0)));
    CHECK(again.getSize() == 1024);
    const auto read_only = again.mapReadOnly();
    CHECK(read_only.bytes()[0] == std::byte{5});
}

TEST_CASE("SharedMemory from what is no region is EINVAL, and closes it", "[library][anywhere]") {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(error_of([&](auto& ec) {
              (void)SharedMemory::fromFileDescriptor(ashmem::unique_fd(null), ec);
          }) == EINVAL);
    CHECK(fcntl(null, F_GETFD) == -1);
    CHECK(error_of([&](auto& ec) {
              (void)SharedMemory::fromFileDescriptor(ashmem::unique_fd(), ec);
          }) == EINVAL);
    auto empty = ashmem::Region::create("empty", 0);
    CHECK(error_of([&](auto& ec) {
              (void)SharedMemory::fromFileDescriptor(empty.release(), ec);
          }) == EINVAL);
    auto large = ashmem::Region::create("large", std::size_t{3} << 30);
    CHECK(error_of([&](auto& ec) {
              (void)SharedMemory::fromFileDescriptor(large.release(), ec);
          }) == EINVAL);
}

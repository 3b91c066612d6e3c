// SPDX-License-Identifier: Apache-2.0
// What the library remembers of a region, and that it believes no number.
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"

using ashmem::Prot;
using test::in_child;
using test::page_size;

namespace {

#ifdef SYS_fcntl64
constexpr long fcntl_call = SYS_fcntl64;
#else
constexpr long fcntl_call = SYS_fcntl;
#endif

int error_of(long answer) {
    return answer == -1 ? errno : 0;
}

ashmem::unique_fd region_of(std::size_t size) {
    ashmem::unique_fd fd(ashmem_create_region("remembered", size));
    REQUIRE(fd.ok());
    return fd;
}

// a memfd that may become shorter
ashmem::unique_fd unsealed(std::size_t size) {
    ashmem::unique_fd fd(memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
    return fd;
}

} // namespace

TEST_CASE("a number that was closed is what it is now, whatever it was", "[library][anywhere]") {
    const auto fd = region_of(3 * page_size());
    const auto ask = [&] {
        return std::array{ashmem_get_size_region(fd.get()), ashmem_pin_region(fd.get(), 0, 0)};
    };
    (void)ask();
    (void)ask(); // what is remembered is so by now
    const auto larger = region_of(5 * page_size());
    REQUIRE(dup2(larger.get(), fd.get()) == fd.get());
    CHECK(ashmem_get_size_region(fd.get()) == static_cast<int>(5 * page_size()));
    const auto other = unsealed(3 * page_size());
    REQUIRE(dup2(other.get(), fd.get()) == fd.get());
    for (const int answer : ask())
        CHECK(error_of(answer) == ENOTTY);
    CHECK(ashmem_valid(fd.get()) == 0);
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    const ashmem::unique_fd from(ends[0]), to(ends[1]);
    REQUIRE(dup2(from.get(), fd.get()) == fd.get());
    for (const int answer : ask())
        CHECK(error_of(answer) == ENOTTY);
}

TEST_CASE("a file that can lose its end is no region after one that cannot", "[library][host]") {
    const test::Backend memfd("memfd");
    const auto region = region_of(page_size());
    REQUIRE(ashmem_get_size_region(region.get()) == static_cast<int>(page_size()));
    for (int i = 0; i < 100; ++i) {
        const auto other = unsealed(page_size());
        if (error_of(ashmem_get_size_region(other.get())) != ENOTTY) FAIL("at " << i);
        if (ashmem_get_size_region(region.get()) != static_cast<int>(page_size())) FAIL("at " << i);
    }
    CHECK(error_of(ashmem_pin_region(unsealed(page_size()).get(), 0, 0)) == ENOTTY);
}

TEST_CASE("a memfd that grows is asked for its size each time", "[library][host]") {
    const auto file = unsealed(page_size());
    REQUIRE(fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    const auto region = ashmem::Region::dup(file.get());
    CHECK(region.size() == page_size());
    CHECK(ashmem_get_size_region(file.get()) == static_cast<int>(page_size()));
    REQUIRE(ftruncate(file.get(), static_cast<off_t>(2 * page_size())) == 0);
    CHECK(region.size() == 2 * page_size());
    CHECK(ashmem_get_size_region(file.get()) == static_cast<int>(2 * page_size()));
    CHECK(region.map(Prot::read).size() == 2 * page_size());
}

TEST_CASE("a Region over a memfd is mapped and pinned without a question", "[library][host]") {
    const test::Backend memfd("memfd");
    CHECK(in_child([] {
              auto region = ashmem::Region::create("known", 2 * page_size());
              auto adopted = ashmem::Region::dup(region.fd());
              if (adopted.size() != 2 * page_size()) return 1;
              test::refuse_call(fcntl_call, EPERM);
              test::refuse_call(SYS_ioctl, EPERM);
              for (auto* each : {&region, &adopted}) {
                  if (each->map(Prot::read_write).size() != 2 * page_size()) return 2;
                  if (each->pin() != ashmem::PinResult::not_purged) return 3;
                  std::error_code ec;
                  each->unpin(page_size(), 2 * page_size(), ec);
                  if (ec.value() != EINVAL) return 4;
              }
              return 0;
          }) == 0);
}

TEST_CASE("what a Region knows moves with it, and goes with its descriptor", "[library][host]") {
    const test::Backend memfd("memfd");
    auto region = ashmem::Region::create("moved", 3 * page_size());
    auto other = ashmem::Region::create("other", page_size());
    other = std::move(region);
    CHECK(other.size() == 3 * page_size());
    std::error_code ec;
    (void)region.pin(ec); // NOLINT(*-move,*.Move): what is left of it
    CHECK(ec.value() == EBADF);
    CHECK(region.size(ec) == 0);
    CHECK(ec.value() == EBADF);
    const auto fd = other.release();
    CHECK_FALSE(other.map(Prot::read, ec).ok());
    CHECK(ec.value() == EBADF);
    CHECK(ashmem_get_size_region(fd.get()) == static_cast<int>(3 * page_size()));
}

TEST_CASE("a region is known after one of the other kind", "[device][library]") {
    const auto device = region_of(page_size());
    const auto memfd = unsealed(2 * page_size());
    REQUIRE(fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    for (int i = 0; i < 2; ++i) {
        CHECK(ashmem_get_size_region(device.get()) == static_cast<int>(page_size()));
        CHECK(ashmem_get_size_region(memfd.get()) == static_cast<int>(2 * page_size()));
        CHECK(ashmem_get_size_region(device.get()) == static_cast<int>(page_size()));
        CHECK(ashmem_valid(memfd.get()) == 1);
        CHECK(ashmem_get_size_region(memfd.get()) == static_cast<int>(2 * page_size()));
        CHECK(ashmem_valid(device.get()) == 1);
    }
}

TEST_CASE("the driver's size is remembered from the first map on", "[device][library]") {
    auto region = ashmem::Region::create("late", page_size());
    CHECK(region.size() == page_size());
    const test::Region raw(test::Region::Adopt{dup(region.fd())});
    REQUIRE(raw.set_size(3 * page_size()) == 0);
    CHECK(region.size() == 3 * page_size());
    CHECK(region.map(Prot::read).size() == 3 * page_size());
    CHECK(in_child([&] {
              test::refuse_call(SYS_ioctl, EPERM);
              return region.size() == 3 * page_size() &&
                             region.map(Prot::read, page_size()).size() == 2 * page_size()
                         ? 0
                         : 1;
          }) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// The node and what an open of it gives.
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

TEST_CASE("the node is a misc device with a dynamic minor", "[device]") {
    struct stat st {};
    REQUIRE(stat("/dev/ashmem", &st) == 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK(major(st.st_rdev) == 10);
    std::ifstream misc("/proc/misc");
    unsigned minor_number = 0;
    std::string name;
    while (misc >> minor_number >> name && name != "ashmem") {
    }
    REQUIRE(name == "ashmem");
    CHECK(minor(st.st_rdev) == minor_number);
}

TEST_CASE("the node's mode is 0666 unless the module is told otherwise", "[device]") {
    struct stat st {};
    REQUIRE(stat("/dev/ashmem", &st) == 0);
    CHECK((st.st_mode & 07777) == 0666);
}

TEST_CASE("a user without rights opens, sizes and maps a region", "[device]") {
    CHECK(in_child([] {
              become_nobody();
              Region region = Region::of_pages(1);
              Map map = region.map_pages(1);
              map[0] = 42;
              return map[0] == 42 ? 0 : 1;
          }) == 0);
}

TEST_CASE("every open is a region of its own", "[device]") {
    Region a = Region::of_pages(1), b;
    CHECK(a.set_name("mine") == 0);
    CHECK(b.size() == 0);
    CHECK(b.name() == ASHMEM_NAME_DEF);
}

TEST_CASE("two regions of one name share nothing", "[device]") {
    Region a = Region::of_pages(1), b = Region::of_pages(1);
    REQUIRE(a.set_name("twin") == 0);
    REQUIRE(b.set_name("twin") == 0);
    Map map_a = a.map_pages(1), map_b = b.map_pages(1);
    map_a.fill(1);
    CHECK(map_b.holds(0));
}

TEST_CASE("a descriptor reopened through /proc/self/fd is a new, empty region", "[device]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    const std::string path = "/proc/self/fd/" + std::to_string(region.fd());
    Region again(Region::Adopt{open(path.c_str(), O_RDWR | O_CLOEXEC)});
    REQUIRE(again.fd() >= 0);
    CHECK(again.size() == 0);
}

TEST_CASE("a duplicated descriptor is the same region", "[device]") {
    Region region;
    Region same(Region::Adopt{dup(region.fd())});
    REQUIRE(same.set_size(12345) == 0);
    CHECK(region.size() == 12345);
}

TEST_CASE("O_CLOEXEC is honoured and not assumed", "[device]") {
    Region with(O_RDWR | O_CLOEXEC), without(O_RDWR);
    CHECK(fcntl(with.fd(), F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(without.fd(), F_GETFD) == 0);
}

TEST_CASE("fstat tells a character device of size 0", "[device]") {
    Region region = Region::of_pages(3);
    Map map = region.map_pages(3);
    struct stat st {};
    REQUIRE(fstat(region.fd(), &st) == 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK(st.st_size == 0);
}

TEST_CASE("an unknown ioctl is ENOTTY", "[device][ioctl]") {
    Region region;
    for (unsigned number : {0U, 12U, 13U, 255U}) {
        INFO("number " << number);
        CHECK(region.ioctl(_IO(__ASHMEMIOC, number)) == -ENOTTY);
    }
}

TEST_CASE("a known number with another size or direction is ENOTTY", "[device][ioctl]") {
    Region region;
    CHECK(region.ioctl(_IOW(__ASHMEMIOC, 1, char[255])) == -ENOTTY);
    CHECK(region.ioctl(_IOR(__ASHMEMIOC, 7, struct ashmem_pin)) == -ENOTTY);
    CHECK(region.ioctl(_IO(__ASHMEMIOC, 3)) == -ENOTTY);
}

TEST_CASE("an ioctl of another type is ENOTTY", "[device][ioctl]") {
    Region region;
    CHECK(region.ioctl(_IO('x', 4)) == -ENOTTY);
    CHECK(region.ioctl(TCGETS, 0UL) == -ENOTTY);
}

TEST_CASE("ashmem's ioctls on another file are ENOTTY", "[device][ioctl]") {
    Region null(Region::Adopt{open("/dev/null", O_RDWR | O_CLOEXEC)});
    CHECK(null.ioctl(ASHMEM_GET_SIZE) == -ENOTTY);
}

TEST_CASE("write and pwrite are EINVAL", "[device][file]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    CHECK(outcome(write(region.fd(), "x", 1)) == -EINVAL);
    CHECK(outcome(pwrite(region.fd(), "x", 1, 0)) == -EINVAL);
    CHECK(map.holds(0));
}

TEST_CASE("write on a read-only descriptor is EBADF", "[device][file]") {
    Region region(O_RDONLY | O_CLOEXEC);
    CHECK(outcome(write(region.fd(), "x", 1)) == -EBADF);
}

TEST_CASE("ftruncate and fsync are EINVAL", "[device][file]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2);
    CHECK(outcome(ftruncate(region.fd(), 0)) == -EINVAL);
    CHECK(outcome(fsync(region.fd())) == -EINVAL);
    CHECK(region.size() == static_cast<long>(2 * page_size()));
}

TEST_CASE("fallocate is ENODEV", "[device][file]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    map.fill(7);
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    CHECK(outcome(fallocate(region.fd(), 0, 0, 1)) == -ENODEV);
    CHECK(outcome(fallocate(region.fd(), punch, 0, 1)) == -ENODEV);
    CHECK(map.holds(7));
}

TEST_CASE("splice and sendfile from a region are EINVAL", "[device][file]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    int pipes[2];
    REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
    CHECK(outcome(splice(region.fd(), nullptr, pipes[1], nullptr, 1, 0)) == -EINVAL);
    CHECK(outcome(sendfile(pipes[1], region.fd(), nullptr, 1)) == -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
}

TEST_CASE("file seals are EINVAL", "[device][file]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    CHECK(outcome(fcntl(region.fd(), F_GET_SEALS)) == -EINVAL);
    CHECK(outcome(fcntl(region.fd(), F_ADD_SEALS, F_SEAL_WRITE)) == -EINVAL);
}

TEST_CASE("poll says readable and writable", "[device][file]") {
    Region region;
    pollfd poll_fd{region.fd(), POLLIN | POLLOUT, 0};
    REQUIRE(poll(&poll_fd, 1, 0) == 1);
    CHECK(poll_fd.revents == (POLLIN | POLLOUT));
}

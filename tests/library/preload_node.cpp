// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: the node that is not there, and what an open of it gives.
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"

using namespace test;

// The names are libc's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
int __open_2(const char* path, int flags);
int __openat64_2(int folder, const char* path, int flags);
int plain_creat(const char* path, mode_t mode) __asm__("creat");
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

constexpr char node[] = "/dev/ashmem";

// what the kernel knows of the node, past the library
bool is_there() {
    return syscall(SYS_faccessat, AT_FDCWD, node, F_OK) == 0;
}

// a region by a descriptor that answers at all
Region opened(int fd) {
    REQUIRE(fd >= 0);
    return Region(Region::Adopt{fd});
}

bool is_device(int fd) {
    return opened(fd).set_size(page_size()) == 0;
}

// A file that somebody left where the node would be.
struct Left {
    Left() {
        const auto fd =
            static_cast<int>(syscall(SYS_openat, AT_FDCWD, node, O_CREAT | O_EXCL | O_RDWR, 0666));
        REQUIRE(fd >= 0);
        REQUIRE(syscall(SYS_write, fd, "left", 4) == 4);
        close(fd);
    }
    ~Left() { syscall(SYS_unlinkat, AT_FDCWD, node, 0); }
};

auto identity(const struct stat& st) {
    return std::make_tuple(st.st_dev, st.st_ino, st.st_rdev, st.st_mode, st.st_nlink, st.st_size);
}

auto identity(const struct statx& st) {
    return std::make_tuple(makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino,
                           makedev(st.stx_rdev_major, st.stx_rdev_minor), mode_t{st.stx_mode},
                           nlink_t{st.stx_nlink}, static_cast<off_t>(st.stx_size));
}

} // namespace

TEST_CASE("O_CREAT opens the device and makes no file", "[preload]") {
    REQUIRE(!is_there());
    CHECK(is_device(open(node, O_RDWR | O_CREAT | O_TRUNC, 0600)));
    CHECK(is_device(openat(AT_FDCWD, node, O_RDWR | O_CREAT, 0600)));
    CHECK(is_device(creat(node, 0600)));
    CHECK(is_device(plain_creat(node, 0600)));
    CHECK(outcome(open(node, O_RDWR | O_CREAT | O_EXCL, 0600)) == -EEXIST);
    CHECK(!is_there());
    unlink(node);
}

TEST_CASE("a file where the node would be is as good as none, and keeps what it holds",
          "[preload]") {
    const Left left;
    CHECK(is_device(open(node, O_RDWR)));
    CHECK(is_device(open(node, O_RDWR | O_CREAT | O_TRUNC, 0600)));
    struct stat ours {};
    CHECK(stat(node, &ours) == 0);
    CHECK(S_ISCHR(ours.st_mode));
    struct statx theirs {};
    REQUIRE(syscall(SYS_statx, AT_FDCWD, node, 0, STATX_SIZE, &theirs) == 0);
    CHECK(theirs.stx_size == 4);
}

TEST_CASE("the node has more ways to be opened by name", "[preload]") {
    CHECK(is_device(open("/dev//ashmem", O_RDWR)));
    CHECK(is_device(open("//dev/ashmem", O_RDWR)));
    CHECK(is_device(__open_2(node, O_RDWR)));
    CHECK(is_device(__openat64_2(AT_FDCWD, node, O_RDWR)));
    CHECK(outcome(open("/dev/ashmem/", O_RDWR)) < 0);
    CHECK(outcome(open("/dev/ashmem2", O_RDWR)) == -ENOENT);
}

TEST_CASE("stat of the node and fstat of a region agree, however asked", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    struct stat st {};
    REQUIRE(stat(node, &st) == 0);
    const auto wanted = identity(st);
    CHECK(S_ISCHR(st.st_mode));
    REQUIRE(lstat(node, &st) == 0);
    CHECK(identity(st) == wanted);
    REQUIRE(fstat(region.fd(), &st) == 0);
    CHECK(identity(st) == wanted);
    REQUIRE(fstatat(region.fd(), "", &st, AT_EMPTY_PATH) == 0);
    CHECK(identity(st) == wanted);
    REQUIRE(fstatat(AT_FDCWD, node, &st, 0) == 0);
    CHECK(identity(st) == wanted);
    struct statx more {};
    REQUIRE(statx(AT_FDCWD, node, 0, STATX_BASIC_STATS, &more) == 0);
    CHECK(identity(more) == wanted);
    REQUIRE(statx(region.fd(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more) == 0);
    CHECK(identity(more) == wanted);
}

TEST_CASE("a program that was linked with an old libc sees the same node", "[preload]") {
    using ByPath = int(int, const char*, struct stat*);
    using ByNumber = int(int, int, struct stat*);
    const Region region;
    struct stat wanted {};
    REQUIRE(stat(node, &wanted) == 0);
    for (const char* const name : {"__xstat", "__xstat64", "__lxstat", "__lxstat64"}) {
        CAPTURE(name);
        auto* const ask = reinterpret_cast<ByPath*>(dlsym(RTLD_DEFAULT, name));
        REQUIRE(ask != nullptr);
        struct stat st {};
        CHECK(ask(1, node, &st) == 0);
        CHECK(identity(st) == identity(wanted));
        CHECK(outcome(ask(1, "/dev/none", &st)) == -ENOENT);
    }
    for (const char* const name : {"__fxstat", "__fxstat64"}) {
        CAPTURE(name);
        auto* const ask = reinterpret_cast<ByNumber*>(dlsym(RTLD_DEFAULT, name));
        REQUIRE(ask != nullptr);
        struct stat st {};
        CHECK(ask(1, region.fd(), &st) == 0);
        CHECK(identity(st) == identity(wanted));
        CHECK(outcome(ask(1, -1, &st)) == -EBADF);
    }
}

TEST_CASE("whoever asks if the node may be opened is told so", "[preload]") {
    CHECK(access(node, R_OK | W_OK) == 0);
    CHECK(eaccess(node, R_OK | W_OK) == 0);
    CHECK(euidaccess(node, F_OK) == 0);
    CHECK(faccessat(AT_FDCWD, node, R_OK | W_OK, 0) == 0);
    CHECK(faccessat(AT_FDCWD, node, R_OK, AT_EACCESS) == 0);
    CHECK(outcome(faccessat(AT_FDCWD, node, X_OK, 0)) == -EACCES);
    CHECK(outcome(eaccess(node, X_OK)) == -EACCES);
}

TEST_CASE("a descriptor opened with O_PATH takes no ioctl, and shows the device", "[preload]") {
    const Region path = opened(open(node, O_PATH | O_CLOEXEC));
    CHECK(path.size() == -EBADF);
    CHECK(path.set_size(1) == -EBADF);
    CHECK(path.try_map(page_size(), PROT_READ) == -EBADF);
    char byte;
    CHECK(outcome(read(path.fd(), &byte, 1)) == -EBADF);
    CHECK((fcntl(path.fd(), F_GETFL) & O_PATH) != 0);
    struct stat st {};
    REQUIRE(fstat(path.fd(), &st) == 0);
    CHECK(S_ISCHR(st.st_mode));
}

TEST_CASE("O_DIRECT is EINVAL, when it is opened and later", "[preload]") {
    CHECK(outcome(open(node, O_RDWR | O_DIRECT)) == -EINVAL);
    const Region region;
    CHECK(outcome(fcntl(region.fd(), F_SETFL, O_DIRECT)) == -EINVAL);
    CHECK(outcome(fcntl(region.fd(), F_SETFL, O_NONBLOCK)) == 0);
    CHECK((fcntl(region.fd(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a region opened for writing alone is neither mapped nor read", "[preload]") {
    const Region region(O_WRONLY | O_CLOEXEC);
    REQUIRE(region.set_size(page_size()) == 0);
    CHECK(region.size() == static_cast<long>(page_size()));
    for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
        CHECK(region.try_map(page_size(), PROT_READ, flags) == -EACCES);
        CHECK(region.try_map(page_size(), PROT_WRITE, flags) == -EACCES);
    }
    char byte;
    CHECK(outcome(read(region.fd(), &byte, 1)) == -EBADF);
    CHECK(outcome(lseek(region.fd(), 0, SEEK_SET)) == -EBADF);
}

TEST_CASE("F_GETFL shows what the region was opened with", "[preload]") {
    constexpr int shown = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC;
    for (const int flags : {O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_SYNC, O_RDWR | O_DSYNC,
                            O_RDWR | O_ASYNC, O_RDONLY | O_APPEND | O_NONBLOCK}) {
        const Region region = opened(open(node, flags));
        CHECK((fcntl(region.fd(), F_GETFL) & shown) == flags);
        CHECK(fcntl(region.fd(), F_GETFD) == 0);
    }
}

TEST_CASE("a region is opened where memfds may not be executed", "[preload]") {
    CHECK(in_child([] {
              constexpr std::uint32_t executable = 0x10; // MFD_EXEC, which not all headers have
              refuse_call(SYS_memfd_create, EACCES, executable);
              const Region region = Region::of_pages(1);
              const Map map = region.map_pages(1, rwx);
              map[0] = 1;
              return map[0] == 1 ? 0 : 1;
          }) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: when an open of /dev/ashmem is a region of the library's, by the
// environment and by what is at the path already.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using namespace test;

namespace {

constexpr char node[] = "/dev/ashmem";

// A node at the device's place, made past the library.
class Node {
public:
    Node(unsigned major, unsigned minor, mode_t mode = 0666) {
        REQUIRE(syscall(SYS_mknodat, AT_FDCWD, node, S_IFCHR | mode, makedev(major, minor)) == 0);
        REQUIRE(syscall(SYS_fchmodat, AT_FDCWD, node, mode) == 0);
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { syscall(SYS_unlinkat, AT_FDCWD, node, 0); }
};

// Like the driver's, it has an errno of its own for ioctls that it does not know.
struct StandIn : Node {
    static constexpr unsigned mem = 1, urandom = 9;
    StandIn() : Node(mem, urandom) {}
    [[nodiscard]] static bool is(dev_t device) { return device == makedev(mem, urandom); }
};

// what the kernel knows of a descriptor, past the library
struct statx known_of(int fd) {
    struct statx known {};
    syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &known);
    return known;
}

dev_t device_of(int fd) {
    const struct statx known = known_of(fd);
    return makedev(known.stx_rdev_major, known.stx_rdev_minor);
}

// 0 if an open gives a region of the library's, -errno if it gives nothing, 1 for anything else
long opens_region(int flags = O_RDWR) {
    const int fd = open(node, flags | O_CLOEXEC, 0600);
    if (fd < 0) return -errno;
    const Region region(Region::Adopt{fd});
    return device_of(fd) == 0 && region.set_size(page_size()) == 0 ? 0 : 1;
}

// whether all that ask for the path's status say the same: 0, or -errno
long status_of_node() {
    struct stat st {};
    struct statx more {};
    const long answer = outcome(stat(node, &st));
    CHECK(outcome(lstat(node, &st)) == answer);
    CHECK(outcome(fstatat(AT_FDCWD, node, &st, 0)) == answer);
    CHECK(outcome(statx(AT_FDCWD, node, 0, STATX_BASIC_STATS, &more)) == answer);
    CHECK(outcome(access(node, R_OK | W_OK)) == answer);
    CHECK(outcome(eaccess(node, R_OK | W_OK)) == answer);
    CHECK(outcome(faccessat(AT_FDCWD, node, R_OK | W_OK, 0)) == answer);
    return answer;
}

} // namespace

TEST_CASE("LIBASHMEM_BACKEND says when a preloaded program has regions without the driver",
          "[preload]") {
    struct {
        const char* name;
        long opened, status;
    } const choices[] = {
        {"", 0, 0},
        {"auto", 0, 0},
        {"memfd", 0, 0},
        {"device", -ENOENT, -ENOENT},
        {"nonsense", -EINVAL, -ENOENT},
    };
    for (const auto& [name, opened, status] : choices) {
        CAPTURE(name);
        const Backend backend(name);
        CHECK(opens_region() == opened);
        CHECK(status_of_node() == status);
    }
}

TEST_CASE("the device is opened where there is one, unless the environment wants a memfd",
          "[preload]") {
    const StandIn device;
    struct stat st {};
    for (const char* const name : {"auto", "device"}) {
        CAPTURE(name);
        const Backend backend(name);
        for (const int flags : {O_RDWR, O_RDWR | O_CREAT, O_RDONLY | O_TRUNC}) {
            const int fd = open(node, flags, 0600);
            REQUIRE(fd >= 0);
            CHECK(StandIn::is(device_of(fd)));
            close(fd);
        }
        const std::size_t before = open_descriptors();
        CHECK(outcome(open(node, O_RDWR | O_CREAT | O_EXCL, 0600)) == -EEXIST);
        CHECK(open_descriptors() == before);
        REQUIRE(stat(node, &st) == 0);
        CHECK(StandIn::is(st.st_rdev));
    }
    const Backend backend("memfd");
    CHECK(opens_region() == 0);
    REQUIRE(stat(node, &st) == 0);
    CHECK(!StandIn::is(st.st_rdev));
}

TEST_CASE("a device that is there and can't be opened just now is not replaced", "[preload]") {
    const StandIn device;
    CHECK(in_child([] {
              leave_numbers(0);
              return opens_region() == -EMFILE ? 0 : 1;
          }) == 0);
}

TEST_CASE("a node that is another device's, or nobody's, is as good as none", "[preload]") {
    struct {
        const char* what;
        unsigned major, minor;
    } const nodes[] = {
        {"null", 1, 3},
        {"a misc device that is not there", 10, 254},
        {"a driver that is not there", 500, 0},
    };
    for (const auto& [what, major, minor] : nodes) {
        CAPTURE(what);
        const Node there(major, minor);
        CHECK(opens_region() == 0);
        const Backend backend("device");
        CHECK(opens_region() < 0);
    }
}

TEST_CASE("a user who may not open the device has regions all the same", "[preload]") {
    const auto as_nobody = [](int flags) {
        return in_child([&] {
            become_nobody();
            return static_cast<int>(-opens_region(flags));
        });
    };
    {
        const Node device(StandIn::mem, StandIn::urandom, 0600);
        CHECK(as_nobody(O_RDWR) == 0);
        const Backend backend("device");
        CHECK(as_nobody(O_RDWR) == EACCES);
    }
    // not to others than its owner
    const StandIn device;
    CHECK(as_nobody(O_RDWR | O_NOATIME) == 0);
    const Backend backend("device");
    CHECK(as_nobody(O_RDWR | O_NOATIME) == EPERM);
}

TEST_CASE("other paths are opened and looked at as ever", "[preload]") {
    const char* volatile nowhere = nullptr; // the compiler knows better
    struct stat st {};
    // NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker)
    CHECK(outcome(open(nowhere, O_RDONLY)) == -EFAULT);
    CHECK(outcome(stat(nowhere, &st)) == -EFAULT);
    // NOLINTEND(clang-analyzer-core.NonNullParamChecker)
    CHECK(outcome(open("dev/ashmem", O_RDONLY | O_DIRECTORY)) == -ENOENT);
    CHECK(outcome(open(node, O_RDWR | O_DIRECTORY)) == -ENOTDIR);
    REQUIRE(stat("/dev/null", &st) == 0);
    CHECK(st.st_rdev == makedev(1, 3));
    CHECK(eaccess("/dev/null", R_OK) == 0);
    CHECK(faccessat(AT_FDCWD, "/dev/null", W_OK, 0) == 0);
    CHECK(outcome(eaccess("/dev/none", R_OK)) == -ENOENT);
    CHECK(outcome(faccessat(AT_FDCWD, "/dev/none", W_OK, 0)) == -ENOENT);
    // not the device's folder, though it begins so
    CHECK(outcome(access("/development/ashmem", R_OK)) == -ENOENT);
}

TEST_CASE("a file of a region's size that has a name is what it is", "[preload]") {
    constexpr char path[] = "/dev/ashmem-as-large";
    struct stat st {};
    const auto size = static_cast<off_t>(known_of(Region().fd()).stx_size);
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    REQUIRE(ftruncate(file, size) == 0);
    struct statx more {};
    CHECK(fstat(file, &st) == 0);
    CHECK((S_ISREG(st.st_mode) && st.st_size == size));
    CHECK(statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more) == 0);
    CHECK(S_ISREG(more.stx_mode));
    CHECK(write(file, "x", 1) == 1);
    close(file);
    unlink(path);
    // nor is a memfd with a region's seals, but another size
    const int sealed = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
    // by a number that is not known to be no region's
    const int memfd = fcntl(sealed, F_DUPFD_CLOEXEC, 0);
    close(sealed);
    CHECK(lseek(memfd, 5, SEEK_SET) == 5);
    CHECK(fstat(memfd, &st) == 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK(statx(memfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &more) == 0);
    CHECK(S_ISREG(more.stx_mode));
    close(memfd);
}

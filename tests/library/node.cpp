// SPDX-License-Identifier: Apache-2.0
// Which node the library takes for the driver's, and what it does where there is none.
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"

using namespace test;

namespace {

constexpr char node[] = "/dev/ashmem";

// The node elsewhere as long as this lives, and nothing in its place at the end.
struct NodeAway {
    NodeAway() {
        REQUIRE(stat(node, &status) == 0);
        REQUIRE(rename(node, elsewhere) == 0);
    }
    NodeAway(const NodeAway&) = delete;
    NodeAway& operator=(const NodeAway&) = delete;
    ~NodeAway() { back(); }
    static void back() { rename(elsewhere, node); }

    static constexpr char elsewhere[] = "/dev/ashmem-away";
    struct stat status {};
};

// The backend of a region that is made in a process that never saw the node, or minus errno.
std::string made_by_another(const char* backend = "auto") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int status = in_child([&] {
        dup2(ends[1], 3);
        setenv("LIBASHMEM_BACKEND", backend, 1);
        execl("/proc/self/exe", "ashmem-tests", "[.node]", "-o", "/dev/null", nullptr);
        return 126;
    });
    close(ends[1]);
    char text[16] = {};
    const ssize_t got = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    return status == 0 && got > 0 ? text : "no answer";
}

int backend_of_new() {
    const Region region(Region::Adopt{ashmem_create_region("x", 1)});
    return region.fd() < 0 ? -errno : ashmem_backend(region.fd());
}

} // namespace

// Run by the claims below in a process of its own, for the library remembers what it saw.
TEST_CASE("(node) who keeps a region is told, and null is none", "[.node]") {
    const std::string answer = std::to_string(backend_of_new());
    CHECK(write(3, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
    const Region null(Region::Adopt{open("/dev/null", O_RDWR | O_CLOEXEC)});
    CHECK(ashmem_valid(null.fd()) == 0);
}

TEST_CASE("/dev/ashmem with the boot id is taken first", "[device][library]") {
    std::string path = node + read_file("/proc/sys/kernel/random/boot_id");
    path.pop_back(); // the line's end
    struct stat st {};
    REQUIRE(stat(node, &st) == 0);
    // /dev/null in its place: who opens it notices
    REQUIRE(mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    const std::string other = made_by_another("device");
    REQUIRE(unlink(path.c_str()) == 0);
    REQUIRE(mknod(path.c_str(), S_IFCHR | 0666, st.st_rdev) == 0);
    const std::string same = made_by_another("device");
    REQUIRE(unlink(path.c_str()) == 0);
    CHECK(other == std::to_string(-ENOTTY));
    CHECK(same == std::to_string(ASHMEM_BACKEND_DEVICE));
    CHECK(made_by_another() == std::to_string(ASHMEM_BACKEND_DEVICE));
}

TEST_CASE("a node that is not the driver's is as good as none", "[device][library]") {
    const std::string memfd = std::to_string(ASHMEM_BACKEND_MEMFD);
    const NodeAway away;
    const int file = open(node, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    CHECK(made_by_another() == memfd);
    CHECK(made_by_another("device") == std::to_string(-ENOTTY));
    CHECK(ashmem_device_is_supported() == 0);
    close(file);
    unlink(node);
    CHECK(mkdir(node, 0777) == 0);
    CHECK(made_by_another() == memfd);
    rmdir(node);
    CHECK(mknod(node, S_IFCHR | 0666, makedev(1, 3)) == 0);
    CHECK(made_by_another() == memfd);
    CHECK(made_by_another("device") == std::to_string(-ENOTTY));
    unlink(node);
}

TEST_CASE("another device is none though the node is away, or cannot be looked up",
          "[device][library]") {
    const Region region(Region::Adopt{ashmem_create_region("x", 1)});
    const Region null(Region::Adopt{open("/dev/null", O_RDWR | O_CLOEXEC)});
    REQUIRE(ashmem_backend(region.fd()) == ASHMEM_BACKEND_DEVICE);
    CHECK(in_child([&] {
              refuse_call(SYS_openat, EMFILE);
              return ashmem_valid(region.fd()) == 1 && ashmem_valid(null.fd()) == 0 ? 0 : 1;
          }) == 0);
    const NodeAway away;
    CHECK(ashmem_valid(region.fd()) == 1);
    CHECK(ashmem_valid(null.fd()) == 0);
}

TEST_CASE("a device that comes late is found", "[device][library]") {
    const Backend any("auto");
    CHECK(in_child([] {
              const NodeAway away;
              if (backend_of_new() != ASHMEM_BACKEND_MEMFD) return 1;
              NodeAway::back();
              const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
              while (backend_of_new() != ASHMEM_BACKEND_DEVICE) {
                  if (std::chrono::steady_clock::now() > end) return 2;
                  std::this_thread::sleep_for(std::chrono::milliseconds(10));
              }
              return 0;
          }) == 0);
}

TEST_CASE("a device that was found absent is not looked for at once again", "[library][host]") {
    if (access(node, F_OK) == 0) {
        CHECK(ashmem_device_is_supported() == 1);
        return;
    }
    const Backend any("auto");
    const auto makes_two = [] {
        if (backend_of_new() != ASHMEM_BACKEND_MEMFD) return 2;
        refuse_call(SYS_openat, EMFILE); // which is no sign of absence
        return backend_of_new() == ASHMEM_BACKEND_MEMFD ? 0 : 1;
    };
    // the second may end between the two
    int outcome = 1;
    for (int i = 0; i < 5 && outcome == 1; ++i)
        outcome = in_child(makes_two);
    CHECK(outcome == 0);
}

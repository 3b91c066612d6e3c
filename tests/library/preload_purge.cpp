// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: what a purge of all reaches, and the thread that purges by itself.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using namespace test;

namespace {

std::vector<pid_t> threads() {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
        found.push_back(std::stoi(entry.path().filename()));
    return found;
}

// whether this process, which has one thread, gets the one that purges, and it waits
bool gets_purger() {
    for (int i = 0; i < 200 && threads().size() != 2; ++i)
        usleep(10000);
    for (const pid_t thread : threads())
        if (thread != this_thread()) wait_until_asleep(thread);
    return threads().size() == 2;
}

// whether that thread ends, which takes a moment
bool loses_purger() {
    for (int i = 0; i < 200 && threads().size() != 1; ++i)
        usleep(10000);
    return threads().size() == 1;
}

// the number that the next descriptor gets
int next_number() {
    const int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

struct Unpinned {
    Unpinned() {
        map.fill(1);
        if (region.unpin(0, 0) != 0) _exit(100);
    }
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
};

} // namespace

TEST_CASE("a purge leaves alone what only has a region's name", "[preload]") {
    const int file = memfd_create(ASHMEM_NAME_DEF, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(write(file, "kept", 4) == 4);
    Unpinned region;
    // twice by descriptors, but a region once; or the thread was first
    const Region copy(Region::Adopt{dup(region.region.fd())});
    CHECK(copy.purge_all() <= 1);
    char bytes[5]{};
    CHECK(pread(file, bytes, 4, 0) == 4);
    CHECK(std::string(bytes) == "kept");
    // what was purged is not purged again
    CHECK(copy.purge_all() == 0);
    CHECK(region.region.pin(0, 0) == ASHMEM_WAS_PURGED);
    close(file);
}

TEST_CASE("root of a user namespace purges its own regions and no other user's", "[preload]") {
    const Unpinned others;
    CHECK(in_child([&] {
              close(others.region.fd());
              become_nobody();
              prctl(PR_SET_DUMPABLE, 1); // its own files of /proc are its own
              become_root_of_namespace();
              const Unpinned own;
              if (own.region.purge_all() > 1) return 1;
              return own.region.pin(0, 0) == ASHMEM_WAS_PURGED ? 0 : 2;
          }) == 0);
    CHECK(others.map.holds(1));
    CHECK(others.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("the thread that purges goes on when the program changes its user or group",
          "[preload]") {
    CHECK(in_child([] {
              const Unpinned unpinned;
              if (!gets_purger()) return 1;
              // libc has every thread do so, by a signal
              for (int i = 0; i < 10; ++i) {
                  usleep(1000);
                  if (setgid(getgid()) != 0) return 2;
              }
              usleep(100000);
              return threads().size() == 2 ? 0 : 3;
          }) == 0);
}

TEST_CASE("the thread that purges ends where no descriptor may be waited by, until the next UNPIN",
          "[preload]") {
    CHECK(in_child([] {
              const Unpinned unpinned;
              if (!gets_purger()) return 1;
              rlimit limit{};
              getrlimit(RLIMIT_NOFILE, &limit);
              const rlimit none{0, limit.rlim_max};
              // who waits notices it when a signal comes
              if (setrlimit(RLIMIT_NOFILE, &none) != 0 || setgid(getgid()) != 0) return 2;
              usleep(100000);
              if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || !loses_purger()) return 3;
              const Unpinned next;
              return gets_purger() ? 0 : 4;
          }) == 0);
}

TEST_CASE("a child that is forked has a thread that purges once it unpins", "[preload]") {
    CHECK(in_child([] {
              const std::size_t before = open_descriptors();
              const Unpinned unpinned;
              if (!gets_purger()) return 1;
              return in_child([&] {
                  // without what the parent waits by
                  if (threads().size() != 1 || open_descriptors() != before + 1) return 2;
                  const Unpinned own;
                  return gets_purger() ? 0 : 3;
              });
          }) == 0);
}

TEST_CASE("a number that the thread had is the program's once it is another file's", "[preload]") {
    for (const char* const path : {"/dev/null", "/proc/pressure/cpu"}) {
        CAPTURE(path);
        CHECK(in_child([&] {
                  const Region region = Region::of_pages(1);
                  const Map map = region.map_pages(1);
                  const int number = next_number();
                  if (region.unpin(0, 0) != 0 || !gets_purger()) return 1;
                  if (close(number) != 0 || open(path, O_RDONLY) != number) return 2;
                  // a child of fork gives back what its parent's thread had
                  return in_child([&] { return fcntl(number, F_GETFD) >= 0 ? 0 : 3; });
              }) == 0);
    }
    CHECK(in_child([] {
              const int number = next_number() + 1;
              const Unpinned unpinned;
              if (!gets_purger()) return 1;
              if (close(number) != 0) return 2;
              return in_child(
                  [&] { return threads().size() == 1 && next_number() == number ? 0 : 3; });
          }) == 0);
}

TEST_CASE("UNPIN works for users who are told of no stalls, and where nobody is", "[preload]") {
    // 0 if a page is unpinned, whether or not there is a thread then
    const auto unpins = [] {
        const Region region = Region::of_pages(1);
        const Map map = region.map_pages(1);
        const std::size_t before = open_descriptors();
        if (region.unpin(0, 0) != 0 || region.status(0, 0) != ASHMEM_IS_UNPINNED) return 1;
        return open_descriptors() == before + (threads().size() == 2 ? 1 : 0) ? 0 : 2;
    };
    CHECK(in_child([&] {
              // newer kernels do tell
              become_nobody();
              return unpins();
          }) == 0);
    CHECK(in_child([&] {
              if (unshare(CLONE_NEWNS) != 0 ||
                  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                  mount("none", "/proc/pressure", "tmpfs", 0, nullptr) != 0)
                  return 3;
              return unpins() == 0 && threads().size() == 1 ? 0 : 4;
          }) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: a region's lock, and those that the program takes itself.
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr int hung = 126;

// A child's answer; hung if there is none in time. What waits with its signals blocked could
// not be ended by an alarm.
int in_time(const std::function<int()>& work) {
    Child child(work);
    for (int i = 0; i < 2000 && child.running(); ++i)
        usleep(10000);
    return child.running() ? hung : child.wait();
}

// whether another call on the region still comes back
bool answers(const Region& region) {
    return region.unpin(0, 0) == 0 && region.pin(0, 0) == ASHMEM_NOT_PURGED &&
           lseek(region.fd(), 0, SEEK_SET) == 0;
}

struct flock all_of_it(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

// The lock of a region's state, held by a description of its own, as another process would.
class Held {
public:
    explicit Held(const Region& region) {
        const std::string path = "/proc/self/fd/" + std::to_string(region.fd());
        fd_ = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDWR | O_CLOEXEC));
        struct flock lock = all_of_it(F_WRLCK);
        lock.l_start = std::numeric_limits<off_t>::max();
        lock.l_len = 1;
        REQUIRE(syscall(SYS_fcntl, fd_, F_OFD_SETLK, &lock) == 0);
        REQUIRE(syscall(SYS_flock, fd_, LOCK_EX) == 0);
    }
    ~Held() { close(fd_); }

private:
    int fd_;
};

} // namespace

TEST_CASE("the program's own locks of a region leave its calls alone", "[preload]") {
    CHECK(in_time([] {
              const Region region = Region::of_pages(1);
              const Map map = region.map_pages(1);
              return flock(region.fd(), LOCK_EX) == 0 && answers(region) ? 0 : 1;
          }) == 0);
    CHECK(in_time([] {
              const Region region = Region::of_pages(1);
              const Map map = region.map_pages(1);
              struct flock lock = all_of_it(F_WRLCK);
              if (fcntl(region.fd(), F_SETLK, &lock) != 0 || !answers(region)) return 1;
              if (fcntl(region.fd(), F_OFD_SETLKW, &lock) != 0 || !answers(region)) return 2;
              lock.l_type = F_UNLCK;
              if (fcntl(region.fd(), F_OFD_SETLK, &lock) != 0) return 3;
              return lockf(region.fd(), F_LOCK, 0) == 0 && answers(region) ? 0 : 4;
          }) == 0);
}

TEST_CASE("the program's own locks hold between processes", "[preload]") {
    const Region region = Region::of_pages(1);
    struct flock lock = all_of_it(F_WRLCK);
    REQUIRE(fcntl(region.fd(), F_SETLK, &lock) == 0);
    CHECK(in_child([&] {
              struct flock other = all_of_it(F_WRLCK);
              if (fcntl(region.fd(), F_SETLK, &other) == 0) return 1;
              if (lockf(region.fd(), F_TEST, 0) == 0) return 2;
              if (fcntl(region.fd(), F_GETLK, &other) != 0) return 3;
              return other.l_type == F_WRLCK && other.l_pid == getppid() ? 0 : 4;
          }) == 0);
    lock.l_type = F_UNLCK;
    REQUIRE(fcntl(region.fd(), F_SETLK, &lock) == 0);
    CHECK(in_child([&] { return lockf(region.fd(), F_TEST, 0); }) == 0);
}

TEST_CASE("a process that is stopped with a lock of its own stops no other", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    Child stopped([&] {
        // of its own, not one that the parent shares
        const int fd = open(("/proc/self/fd/" + std::to_string(region.fd())).c_str(), O_RDWR);
        return flock(fd, LOCK_EX) == 0 && raise(SIGSTOP) == 0 ? 0 : 1;
    });
    int status = 0;
    REQUIRE(waitpid(stopped.pid(), &status, WUNTRACED) == stopped.pid());
    REQUIRE(WIFSTOPPED(status));
    CHECK(in_time([&] { return answers(region) ? 0 : 1; }) == 0);
}

TEST_CASE("a purge of all passes over a region whose holder is stopped", "[preload]") {
    const Region stopped = Region::of_pages(1), other = Region::of_pages(1);
    const Map stopped_map = stopped.map_pages(1), map = other.map_pages(1);
    map[0] = 1;
    REQUIRE(stopped.unpin(0, 0) == 0);
    REQUIRE(other.unpin(0, 0) == 0);
    const Held held(stopped);
    CHECK(in_time([&] { return other.purge_all() >= 1 ? 0 : 1; }) == 0);
    CHECK(other.pin(0, 0) == ASHMEM_WAS_PURGED);
}

TEST_CASE("who waits for a region takes signals meanwhile", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    const Held held(region);
    CHECK(in_time([&] {
              signal(SIGALRM, [](int) { _exit(42); });
              const itimerval soon{{0, 0}, {0, 100000}};
              setitimer(ITIMER_REAL, &soon, nullptr);
              return static_cast<int>(region.pin(0, 0));
          }) == 42);
}

TEST_CASE("a signal handler may use a region that others use too", "[preload]") {
    static int fd;
    static volatile int handled;
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    fd = region.fd();
    const Child busy([&] {
        for (;;) {
            region.unpin(0, 0);
            region.pin(0, 0);
        }
        return 0;
    });
    CHECK(in_time([&] {
              signal(SIGALRM, [](int) {
                  (void)!lseek(fd, 0, SEEK_SET);
                  handled = handled + 1;
              });
              const itimerval often{{0, 1000}, {0, 1000}};
              setitimer(ITIMER_REAL, &often, nullptr);
              for (int i = 0; i < 1000 || handled < 100; ++i)
                  if (region.unpin(0, 0) != 0 || region.pin(0, 0) < 0) return 1;
              return 0;
          }) == 0);
}

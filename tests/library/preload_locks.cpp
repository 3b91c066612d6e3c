// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: a region's lock, and those that the program takes itself.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <limits>
#include <vector>

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

// locks of all kinds of bounds, the last byte among them, and some that can't be
std::vector<struct flock> various_locks() {
    constexpr off_t most = std::numeric_limits<off_t>::max(), half = most / 2 + 1;
    std::vector<struct flock> locks;
    for (const int whence : {SEEK_SET, SEEK_CUR, SEEK_END})
        for (const off_t start : {off_t{0}, off_t{10}, off_t{-1}, half, most - 1, most})
            for (const off_t length :
                 {off_t{0}, off_t{1}, off_t{-1}, off_t{2}, half, most, -most - 1}) {
                struct flock& lock = locks.emplace_back(all_of_it(F_WRLCK));
                lock.l_whence = static_cast<short>(whence);
                lock.l_start = start;
                lock.l_len = length;
            }
    return locks;
}

// what a file answers to each of them, which is released at once
std::vector<long> answers_to_locks(int fd) {
    std::vector<long> answers;
    for (const off_t position : {off_t{0}, off_t{100}, std::numeric_limits<off_t>::max() / 2 + 1}) {
        answers.push_back(lseek(fd, position, SEEK_SET) == position ? 0 : -errno);
        for (const int command : {F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_GETLK})
            for (struct flock lock : various_locks()) {
                answers.push_back(outcome(fcntl(fd, command, &lock)));
                struct flock none = all_of_it(F_UNLCK);
                fcntl(fd, command == F_SETLK ? F_SETLK : F_OFD_SETLK, &none);
            }
    }
    return answers;
}

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
              // The next signal is asked for only when the last one was handled: on a slow
              // machine a handler takes longer than any fixed interval, and would be all that runs.
              const itimerval soon{{0, 0}, {0, 1000}};
              for (int i = 0, asked = 0; i < 1000 || handled < 100; ++i) {
                  if (asked == handled && setitimer(ITIMER_REAL, &soon, nullptr) == 0) ++asked;
                  if (region.unpin(0, 0) != 0 || region.pin(0, 0) < 0) return 1;
              }
              return 0;
          }) == 0);
}

TEST_CASE("a lock of a region is answered as one of any file, wherever it begins and ends",
          "[preload]") {
    const int file = memfd_create("file", MFD_CLOEXEC);
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    // the file is as long as the device: not at all
    CHECK(in_time([&] {
              return answers_to_locks(region.fd()) == answers_to_locks(file) ? 0 : 1;
          }) == 0);
    CHECK(outcome(fcntl(region.fd(), F_GETLK, nullptr)) == -EFAULT);
    struct flock of_process = all_of_it(F_WRLCK);
    of_process.l_pid = getpid();
    CHECK(outcome(fcntl(region.fd(), F_OFD_GETLK, &of_process)) == -EINVAL);
    close(file);
}

TEST_CASE("a lock of a region's very last byte leaves its calls alone", "[preload]") {
    for (const int command : {F_SETLK, F_OFD_SETLK})
        for (const off_t length : {0, 1})
            CHECK(in_time([&] {
                      const Region region = Region::of_pages(1);
                      const Map map = region.map_pages(1);
                      struct flock lock = all_of_it(F_WRLCK);
                      lock.l_start = std::numeric_limits<off_t>::max();
                      lock.l_len = length;
                      if (fcntl(region.fd(), command, &lock) != 0) return 1;
                      // others have to wait for it
                      if (command == F_SETLK &&
                          in_child(
                              [&] { return fcntl(region.fd(), F_SETLK, &lock) == 0 ? 1 : 0; }) != 0)
                          return 2;
                      return answers(region) ? 0 : 3;
                  }) == 0);
}

TEST_CASE("a lock that is counted from a region's end begins where the device's does",
          "[preload]") {
    const Region region = Region::of_pages(1);
    struct flock lock = all_of_it(F_WRLCK);
    lock.l_whence = SEEK_END;
    lock.l_start = 5;
    lock.l_len = 10;
    REQUIRE(fcntl(region.fd(), F_SETLK, &lock) == 0);
    CHECK(in_child([&] {
              struct flock found = all_of_it(F_RDLCK);
              if (fcntl(region.fd(), F_GETLK, &found) != 0) return 1;
              return found.l_type == F_WRLCK && found.l_start == 5 && found.l_len == 10 ? 0 : 2;
          }) == 0);
}

TEST_CASE("lockf of a region is that of any file", "[preload]") {
    const int file = memfd_create("file", MFD_CLOEXEC);
    const Region region = Region::of_pages(1);
    for (const int fd : {file, region.fd()}) {
        CHECK(lockf(fd, F_TLOCK, 10) == 0);
        CHECK(lockf(fd, F_TEST, 10) == 0);
        CHECK(in_child([&] {
                  if (outcome(lockf(fd, F_TLOCK, 1)) != -EAGAIN) return 1;
                  if (outcome(lockf(fd, F_TEST, 1)) != -EACCES) return 2;
                  struct flock lock = all_of_it(F_WRLCK);
                  lock.l_start = 10;
                  return fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 3;
              }) == 0);
        CHECK(lockf(fd, F_ULOCK, 10) == 0);
        CHECK(in_child([&] { return lockf(fd, F_LOCK, 10); }) == 0);
        CHECK(outcome(lockf(fd, F_TEST, -1)) == -EINVAL);
        CHECK(outcome(lockf(fd, 99, 1)) == -EINVAL);
        // others may read, so the file is not locked
        struct flock shared = all_of_it(F_RDLCK);
        REQUIRE(fcntl(fd, F_SETLK, &shared) == 0);
        CHECK(in_child([&] { return lockf(fd, F_TEST, 10); }) == 0);
    }
    close(file);
}

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: which of libc's functions know a region, where, and at what price.
#include <ashmem/ashmem.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <climits>
#include <cstdio>
#include <cstring>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"

using namespace test;

// The names are libc's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
ssize_t __read_chk(int fd, void* to, size_t size, size_t room);
ssize_t __pread_chk(int fd, void* to, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void* to, size_t size, off_t offset, size_t room);
int __dprintf_chk(int fd, int flag, const char* format, ...);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

// all that a program does with a region; 0, or where it failed
int live() {
    const Region region = Region::of_pages(2);
    if (region.set_name("little") != 0 || region.name() != "little") return 1;
    const Map map = region.map_pages(2);
    if (region.unpin(0, 0) != 0 || region.pin(0, 0) != ASHMEM_NOT_PURGED) return 2;
    if (region.set_mask(PROT_READ) != 0 || region.mask() != PROT_READ) return 3;
    return region.try_map(page_size(), PROT_READ) == 0 ? 0 : 4;
}

int threads() {
    int count = 0;
    DIR* const tasks = opendir("/proc/self/task");
    while (const dirent* entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

// a number whose file the library has looked at and found to be none of its own
int looked_at() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    close(ends[1]);
    char byte;
    REQUIRE(read(ends[0], &byte, 1) == 0);
    return ends[0];
}

struct Message {
    explicit Message(const int* send = nullptr) {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(sizeof(int));
        if (send == nullptr) return;
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), send, sizeof(int));
    }
    [[nodiscard]] int received() {
        int fd = -1;
        if (const cmsghdr* const rights = CMSG_FIRSTHDR(&header))
            std::memcpy(&fd, CMSG_DATA(rights), sizeof(int));
        return fd;
    }
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
};

// whether reads of a number end where a region of 100 bytes does
bool reads_region(int fd) {
    char bytes[200];
    return pread(fd, bytes, sizeof(bytes), 0) == 100;
}

Region of_100_bytes() {
    Region region;
    REQUIRE(region.set_size(100) == 0);
    REQUIRE(region.try_map(100) == 0);
    return region;
}

} // namespace

TEST_CASE("a thread with little stack does all with a region", "[preload]") {
    CHECK(in_child([] {
              pthread_attr_t little;
              pthread_attr_init(&little);
              const auto least = static_cast<std::size_t>(sysconf(_SC_THREAD_STACK_MIN));
              pthread_attr_setstacksize(&little, least + (std::size_t{16} << 10));
              pthread_t thread;
              if (pthread_create(
                      &thread, &little,
                      [](void*) -> void* { return reinterpret_cast<void*>(intptr_t{live()}); },
                      nullptr) != 0)
                  return 100;
              void* ret = nullptr;
              pthread_join(thread, &ret);
              return static_cast<int>(reinterpret_cast<intptr_t>(ret));
          }) == 0);
}

TEST_CASE("every function that reads a region ends at its size", "[preload]") {
    const Region region = of_100_bytes();
    char bytes[200];
    const iovec part{bytes, sizeof(bytes)};
    CHECK(__read_chk(region.fd(), bytes, 200, 200) == 100);
    CHECK(__pread_chk(region.fd(), bytes, 200, 10, 200) == 90);
    CHECK(__pread64_chk(region.fd(), bytes, 200, 20, 200) == 80);
    CHECK(preadv2(region.fd(), &part, 1, 30, 0) == 70);
    REQUIRE(lseek(region.fd(), 40, SEEK_SET) == 40);
    CHECK(preadv2(region.fd(), &part, 1, -1, 0) == 60);
    CHECK(outcome(preadv2(region.fd(), &part, 1, 0, RWF_NOWAIT)) == -EOPNOTSUPP);
    REQUIRE(lseek(region.fd(), 0, SEEK_SET) == 0);
    std::FILE* const stream = fdopen(dup(region.fd()), "r");
    REQUIRE(stream != nullptr);
    CHECK(std::fread(bytes, 1, sizeof(bytes), stream) == 100);
    CHECK(std::feof(stream) != 0);
    std::fclose(stream);
}

TEST_CASE("no function writes to a region whose mask is READ", "[preload]") {
    const Region region = Region::of_pages(1);
    const Map map = region.map_pages(1);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    char byte = 'x';
    const iovec part{&byte, 1};
    CHECK(outcome(pwritev2(region.fd(), &part, 1, 0, 0)) == -EINVAL);
    CHECK(outcome(pwritev2(region.fd(), &part, 1, -1, 0)) == -EINVAL);
    CHECK(posix_fallocate(region.fd(), 0, 1) == ENODEV);
    CHECK(outcome(dprintf(region.fd(), "x")) == -EINVAL);
    CHECK(outcome(__dprintf_chk(region.fd(), 1, "x")) == -EINVAL);
    const int file = memfd_create("file", MFD_CLOEXEC);
    REQUIRE(write(file, "x", 1) == 1);
    off64_t from = 0, to = 0;
    CHECK(outcome(copy_file_range(file, &from, region.fd(), &to, 1, 0)) == -EINVAL);
    close(file);
    std::FILE* const stream = fdopen(dup(region.fd()), "w");
    REQUIRE(stream != nullptr);
    CHECK(std::fputc('x', stream) == 'x');
    CHECK(std::fflush(stream) == EOF);
    std::fclose(stream);
    CHECK(map.holds(0));
}

TEST_CASE("dprintf and fdopen of other files are libc's", "[preload]") {
    const int file = memfd_create("file", MFD_CLOEXEC);
    CHECK(dprintf(file, "%d", 42) == 2);
    CHECK(__dprintf_chk(file, 1, "%s", "x") == 1);
    std::FILE* const stream = fdopen(file, "r");
    REQUIRE(stream != nullptr);
    CHECK(fileno(stream) == file);
    std::fclose(stream);
}

TEST_CASE("a sandbox without process_vm_readv does all with a region", "[preload]") {
    CHECK(in_child([] {
              refuse_call(SYS_process_vm_readv, EPERM);
              refuse_call(SYS_process_vm_writev, EPERM);
              return live();
          }) == 0);
}

TEST_CASE("size, mask and bytes are told with a full table of descriptors", "[preload]") {
    CHECK(in_child([] {
              const Region region = of_100_bytes();
              const rlimit few{64, 64};
              setrlimit(RLIMIT_NOFILE, &few);
              while (dup(region.fd()) >= 0) {
              }
              if (errno != EMFILE) return 1;
              if (region.size() != 100 || region.mask() != rwx) return 2;
              return reads_region(region.fd()) ? 0 : 3;
          }) == 0);
}

TEST_CASE("there is no thread before there is something to purge", "[preload]") {
    CHECK(in_child([] {
              const Region region = Region::of_pages(1);
              if (region.unpin(0, 0) != -EINVAL || threads() != 1) return 1;
              const Map map = region.map_pages(1);
              if (region.pin(0, 0) != 0 || region.set_mask(PROT_READ) != 0) return 2;
              // a region that can't be written to is not unpinned
              return region.unpin(0, 0) == 0 && threads() == 1 ? 0 : 3;
          }) == 0);
}

TEST_CASE("a file that is no region is asked about once", "[preload]") {
    CHECK(in_child([] {
              int ends[2];
              const int file = memfd_create("file", MFD_CLOEXEC);
              char byte = 0;
              if (pipe(ends) != 0 || write(ends[1], "xx", 2) != 2) return 1;
              if (read(ends[0], &byte, 1) != 1 || write(file, "xxx", 3) != 3) return 2;
              struct stat st {};
              // this is how it asks
              forbid_call(SYS_fcntl, F_GET_SEALS);
              if (read(ends[0], &byte, 1) != 1 || write(ends[1], "x", 1) != 1) return 3;
              if (lseek(file, 0, SEEK_SET) != 0 || pread(file, &byte, 1, 1) != 1) return 4;
              if (fstat(file, &st) != 0 || st.st_size != 3 || fstat(ends[0], &st) != 0) return 5;
              return try_map(file, 1) == 0 && ftruncate(file, 1) == 0 ? 0 : 6;
          }) == 0);
}

TEST_CASE("a number is what it was opened for last", "[preload]") {
    const int number = looked_at();
    Region region = of_100_bytes();
    close(number);
    REQUIRE(fcntl(region.fd(), F_DUPFD, number) == number);
    CHECK(reads_region(number));
    close(number);
    REQUIRE(looked_at() == number);
    REQUIRE(dup2(region.fd(), number) == number);
    CHECK(reads_region(number));
    close(number);
    REQUIRE(looked_at() == number);
    REQUIRE(dup3(region.fd(), number, O_CLOEXEC) == number);
    CHECK(reads_region(number));
    close(number);
    REQUIRE(looked_at() == number);
    close(number);
    REQUIRE(dup(region.fd()) == number);
    CHECK(in_child([&] { return reads_region(number) ? 0 : 1; }) == 0);
    close(number);
    REQUIRE(looked_at() == number);
    close(number);
    const std::string path = "/proc/self/fd/" + std::to_string(region.fd());
    REQUIRE(open(path.c_str(), O_RDWR) == number);
    CHECK(reads_region(number));
    close(number);
    // the other way: a region's number is another file's, which is read as such
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(ends[0] == number);
    char bytes[3];
    CHECK(write(ends[1], "abc", 3) == 3);
    CHECK(read(number, bytes, 3) == 3);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("a number that came by a socket is a region's if it is", "[preload]") {
    const Region region = of_100_bytes();
    int sockets[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    const int number = looked_at(), fd = region.fd();
    close(number);
    for (const bool many : {false, true}) {
        Message sent(&fd), got;
        REQUIRE(sendmsg(sockets[0], &sent.header, 0) == 1);
        mmsghdr messages{got.header, 0};
        if (many)
            REQUIRE(recvmmsg(sockets[1], &messages, 1, 0, nullptr) == 1);
        else
            REQUIRE(recvmsg(sockets[1], &got.header, 0) == 1);
        REQUIRE(got.received() == number);
        CHECK(reads_region(number));
        close(number);
        REQUIRE(looked_at() == number);
        close(number);
    }
    close(sockets[0]);
    close(sockets[1]);
}

TEST_CASE("libashmem tells a preloaded region from a memfd of its own, in any order", "[preload]") {
    const Region region = of_100_bytes();
    const int memfd = memfd_create("another", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(memfd >= 0);
    REQUIRE(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    for (int round = 0; round < 2; ++round) {
        CHECK(ashmem_backend(region.fd()) == ASHMEM_BACKEND_DEVICE);
        CHECK(ashmem_backend(memfd) == ASHMEM_BACKEND_MEMFD);
    }
    close(memfd);
}

TEST_CASE("a child of vfork tells its parent nothing of its own descriptors", "[preload]") {
    const Region region = of_100_bytes();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    const int fd = region.fd();
    // as what starts programs does
    // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
    const pid_t child = vfork();
    if (child == 0) {
        char byte;
        syscall(SYS_dup3, ends[0], fd, 0);
        _exit(read(fd, &byte, 1) == 1 ? 0 : 1);
    }
    // NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
    REQUIRE(child > 0);
    CHECK(reads_region(fd));
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("a name that another process left without an end has one all the same", "[preload]") {
    const Region region = Region::of_pages(1);
    REQUIRE(region.set_name(std::string(255, 'n').c_str()) == 0);
    // the state lies behind all data, where the kernel's own calls find it
    const off_t behind = off_t{1} << 62;
    std::string state(4096, '\0');
    REQUIRE(syscall(SYS_pread64, region.fd(), state.data(), state.size(), behind) > 0);
    const std::size_t end = state.find(std::string(255, 'n')) + 255;
    REQUIRE(end < state.size());
    const std::string more(256, 'n');
    REQUIRE(syscall(SYS_pwrite64, region.fd(), more.data(), more.size(),
                    behind + static_cast<off_t>(end)) == 256);

    std::array<char, ASHMEM_NAME_LEN> name{};
    REQUIRE(::ioctl(region.fd(), ASHMEM_GET_NAME, name.data()) == 0);
    CHECK(strnlen(name.data(), name.size()) == 255);
    CHECK(region.try_map(page_size(), PROT_READ, MAP_PRIVATE) == 0);
}

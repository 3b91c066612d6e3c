// SPDX-License-Identifier: Apache-2.0
// Attempts to bypass the protection, each on a region that held data when it was narrowed to
// READ, by a process with every privilege.
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "support/narrowed.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

// deprecated, but CVE-2020-0009 used it
long remap_pages(const Map& map) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return outcome(remap_file_pages(map.address(), map.size(), 0, 0, 0));
#pragma GCC diagnostic pop
}

std::string map_file(const Map& map) {
    char range[64];
    const auto start = reinterpret_cast<std::uintptr_t>(map.address());
    std::snprintf(range, sizeof(range), "/proc/self/map_files/%lx-%lx",
                  static_cast<unsigned long>(start),
                  static_cast<unsigned long>(start + map.size()));
    return range;
}

} // namespace

TEST_CASE("remap_file_pages on a read-only map is EPERM", "[device][bypass]") {
    Narrowed n;
    CHECK(in_child([&] { return remap_pages(n.reader) == -EPERM ? 0 : 1; }) == 0);
    CHECK(n.intact());
}

TEST_CASE("remap_file_pages and mprotect don't make a map writable", "[device][bypass]") {
    Narrowed n;
    CHECK(in_child([&] {
              remap_pages(n.reader);
              return mprotect(n.reader.address(), n.reader.size(), rw) == -1 ? 0 : 1;
          }) == 0);
    CHECK(n.intact());
}

TEST_CASE("mremap that duplicates a read-only map gives no write access", "[device][bypass]") {
    Narrowed n;
    void* twin = mremap(n.reader.address(), 0, n.reader.size(), MREMAP_MAYMOVE);
    if (twin != MAP_FAILED) {
        CHECK(outcome(mprotect(twin, n.reader.size(), rw)) == -EACCES);
        munmap(twin, n.reader.size());
    }
    CHECK(n.intact());
}

TEST_CASE("mremap that grows a read-only map gives no write access", "[device][bypass]") {
    Narrowed n;
    void* grown = mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, n.region.fd(), 0);
    REQUIRE(grown != MAP_FAILED);
    grown = mremap(grown, page_size(), 4 * page_size(), MREMAP_MAYMOVE);
    REQUIRE(grown != MAP_FAILED);
    CHECK(outcome(mprotect(grown, 4 * page_size(), rw)) == -EACCES);
    munmap(grown, 4 * page_size());
    CHECK(n.intact());
}

TEST_CASE("a write to a read-only map is SIGSEGV", "[device][bypass]") {
    Narrowed n;
    CHECK(in_child([&] {
              n.reader[0] = 1;
              return 0;
          }) == 128 + SIGSEGV);
    CHECK(n.intact());
}

TEST_CASE("/proc/self/mem does not write to a read-only map", "[device][bypass]") {
    Narrowed n;
    const int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    REQUIRE(mem >= 0);
    const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(n.reader.address()));
    CHECK(outcome(pwrite(mem, "x", 1, at)) == -EIO);
    close(mem);
    CHECK(n.intact());
}

TEST_CASE("process_vm_writev does not write to a read-only map", "[device][bypass]") {
    Narrowed n;
    char byte = 'x';
    iovec from{&byte, 1}, to{n.reader.address(), 1};
    CHECK(outcome(process_vm_writev(getpid(), &from, 1, &to, 1, 0)) == -EFAULT);
    CHECK(n.intact());
}

TEST_CASE("ptrace does not write to a read-only map", "[device][bypass]") {
    Narrowed n;
    const pid_t tracee = fork();
    REQUIRE(tracee >= 0);
    if (tracee == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(tracee, &status, 0) == tracee);
    CHECK(outcome(ptrace(PTRACE_POKEDATA, tracee, n.reader.address(), 0x78787878L)) == -EIO);
    kill(tracee, SIGKILL);
    waitpid(tracee, &status, 0);
    CHECK(n.intact());
}

TEST_CASE("read into a read-only map of the region is EFAULT", "[device][bypass]") {
    Narrowed n;
    const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    REQUIRE(zero >= 0);
    CHECK(outcome(read(zero, n.reader.address(), 1)) == -EFAULT);
    close(zero);
    CHECK(n.intact());
}

TEST_CASE("map_files can't be opened for writing, however privileged", "[device][bypass]") {
    Narrowed n;
    const std::string path = map_file(n.reader);
    REQUIRE(access(path.c_str(), F_OK) == 0);
    CHECK(outcome(open(path.c_str(), O_RDWR | O_CLOEXEC)) == -ETXTBSY);
    CHECK(outcome(open(path.c_str(), O_WRONLY | O_CLOEXEC)) == -ETXTBSY);
    CHECK(outcome(open(path.c_str(), O_RDWR | O_TRUNC | O_CLOEXEC)) == -ETXTBSY);
    CHECK(n.intact());
}

TEST_CASE("map_files of a writable map can't be opened for writing either", "[device][bypass]") {
    Narrowed n;
    CHECK(outcome(open(map_file(n.writer).c_str(), O_RDWR | O_CLOEXEC)) == -ETXTBSY);
}

TEST_CASE("map_files can't be truncated by its path", "[device][bypass]") {
    Narrowed n;
    CHECK(outcome(truncate(map_file(n.reader).c_str(), 0)) == -ETXTBSY);
    CHECK(n.intact());
}

TEST_CASE("map_files opened for reading can't write, punch, truncate or map writable",
          "[device][bypass]") {
    Narrowed n;
    const int fd = open(map_file(n.reader).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    CHECK(outcome(write(fd, "x", 1)) == -EBADF);
    CHECK(outcome(ftruncate(fd, 0)) == -EINVAL);
    CHECK(outcome(fallocate(fd, punch, 0, 4096)) == -EBADF);
    CHECK(outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)) == -EPERM);
    CHECK(try_map(fd, page_size(), rw) == -EACCES);
    void* map = mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) {
        CHECK(outcome(mprotect(map, page_size(), rw)) == -EACCES);
        munmap(map, page_size());
    }
    close(fd);
    CHECK(n.intact());
}

TEST_CASE("a process without capabilities can't open map_files", "[device][bypass]") {
    Narrowed n;
    const std::string path = map_file(n.reader);
    CHECK(in_child([&] {
              drop_capabilities();
              return outcome(open(path.c_str(), O_RDONLY | O_CLOEXEC)) == -EPERM ? 0 : 1;
          }) == 0);
}

TEST_CASE("MADV_REMOVE on a read-only map is EACCES", "[device][bypass]") {
    Narrowed n;
    CHECK(outcome(madvise(n.reader.address(), n.reader.size(), MADV_REMOVE)) == -EACCES);
    CHECK(n.intact());
}

TEST_CASE("MADV_DONTNEED and MADV_PAGEOUT lose nothing", "[device][bypass]") {
    Narrowed n;
    CHECK(outcome(madvise(n.reader.address(), n.reader.size(), MADV_DONTNEED)) == 0);
    madvise(n.reader.address(), n.reader.size(), MADV_PAGEOUT);
    CHECK(n.reader.holds(0xda));
    CHECK(n.intact());
}

TEST_CASE("UNPIN and a purge can't destroy a narrowed region", "[device][bypass]") {
    Narrowed n;
    CHECK(n.region.unpin(0, 0) == 0);
    CHECK(n.region.purge_all() == 0);
    write_file("/proc/sys/vm/drop_caches", "2");
    CHECK(n.intact());
    CHECK(n.region.pin(0, 0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("a child can't widen what its parent narrowed", "[device][bypass]") {
    Narrowed n;
    CHECK(in_child([&] {
              if (n.region.set_mask(rwx) != -EINVAL) return 1;
              return n.region.try_map(page_size(), rw) == -EPERM ? 0 : 2;
          }) == 0);
}

TEST_CASE("a narrowed region can't be executed", "[device][bypass]") {
    Narrowed n;
    CHECK(n.region.try_map(page_size(), PROT_READ | PROT_EXEC) == -EPERM);
    CHECK(outcome(mprotect(n.reader.address(), n.reader.size(), PROT_READ | PROT_EXEC)) == -EACCES);
}

TEST_CASE("two threads that narrow at once never widen", "[device][bypass]") {
    for (int round = 0; round < 200; ++round) {
        Region region;
        Child one([&] { return region.set_mask(PROT_READ) == 0 ? 0 : 1; });
        Child two([&] { return region.set_mask(PROT_WRITE) == 0 ? 0 : 1; });
        const bool first = one.wait() == 0, second = two.wait() == 0;
        // one came first, and then the other's mask was no subset
        REQUIRE(first != second);
        REQUIRE(region.mask() == (first ? PROT_READ : PROT_WRITE));
    }
}

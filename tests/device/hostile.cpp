// SPDX-License-Identifier: Apache-2.0
// What a hostile holder of a region narrowed to READ can try by other parts of the kernel.
// Nothing of it writes, destroys, or keeps others from the region.
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <vector>

#include "support/narrowed.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/ring.hpp"

using namespace test;

namespace {

iovec whole(const Map& map) {
    return {map.address(), map.size()};
}

struct Pipe {
    Pipe() {
        if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    std::array<int, 2> ends{};
};

// A descriptor of another process's, as -errno or a number.
long taken_from(pid_t process, int fd) {
    const long pidfd = outcome(syscall(SYS_pidfd_open, process, 0));
    if (pidfd < 0) return pidfd;
    const long taken = outcome(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
    close(static_cast<int>(pidfd));
    return taken;
}

long advise_other(pid_t process, const Map& map, int advice) {
    const long pidfd = outcome(syscall(SYS_pidfd_open, process, 0));
    if (pidfd < 0) return pidfd;
    const iovec range = whole(map);
    const long answer = outcome(syscall(SYS_process_madvise, pidfd, &range, 1, advice, 0));
    close(static_cast<int>(pidfd));
    return answer;
}

// Asks userfaultfd for the faults of a map.
long watch_faults(const Map& map, std::uint64_t mode) {
    const long fd = outcome(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    if (fd < 0) return fd;
    uffdio_api api{};
    api.api = UFFD_API;
    uffdio_register asked{};
    asked.range = {reinterpret_cast<std::uintptr_t>(map.address()), map.size()};
    asked.mode = mode;
    long answer = outcome(ioctl(static_cast<int>(fd), UFFDIO_API, &api));
    if (answer == 0) answer = outcome(ioctl(static_cast<int>(fd), UFFDIO_REGISTER, &asked));
    close(static_cast<int>(fd));
    return answer;
}

// Fills what a map has no page for by userfaultfd, without having asked for its faults.
long fill_by_fault(const Map& map) {
    const long fd = outcome(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    if (fd < 0) return fd;
    std::vector<unsigned char> page(page_size(), 'x');
    uffdio_api api{};
    api.api = UFFD_API;
    uffdio_copy copy{};
    copy.dst = reinterpret_cast<std::uintptr_t>(map.address());
    copy.src = reinterpret_cast<std::uintptr_t>(page.data());
    copy.len = page.size();
    long answer = outcome(ioctl(static_cast<int>(fd), UFFDIO_API, &api));
    if (answer == 0) answer = outcome(ioctl(static_cast<int>(fd), UFFDIO_COPY, &copy));
    close(static_cast<int>(fd));
    return answer;
}

} // namespace

TEST_CASE("pages given to a pipe by vmsplice are not written by it", "[device][bypass]") {
    Narrowed n;
    const Pipe pipe;
    const iovec given = whole(n.reader);
    REQUIRE(outcome(vmsplice(pipe.ends[1], &given, 1, SPLICE_F_GIFT)) ==
            static_cast<long>(n.reader.size()));
    // a pipe may append to its last page
    write(pipe.ends[1], "x", 1);
    std::vector<unsigned char> read_back(n.reader.size());
    CHECK(outcome(read(pipe.ends[0], read_back.data(), read_back.size())) ==
          static_cast<long>(read_back.size()));
    CHECK(read_back == std::vector<unsigned char>(read_back.size(), 0xda));
    CHECK(n.intact());
}

TEST_CASE("vmsplice from a pipe into a read-only map is EFAULT", "[device][bypass]") {
    Narrowed n;
    const Pipe pipe;
    REQUIRE(write(pipe.ends[1], "x", 1) == 1);
    const iovec target{n.reader.address(), 1};
    CHECK(outcome(vmsplice(pipe.ends[0], &target, 1, 0)) == -EFAULT);
    CHECK(n.intact());
}

TEST_CASE("io_uring neither reads into a read-only map nor registers it", "[device][bypass]") {
    Narrowed n;
    Ring ring;
    const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    REQUIRE(zero >= 0);
    // the ring itself works
    std::array<char, 8> own{'x'};
    REQUIRE(ring.read(zero, {own.data(), own.size()}) == static_cast<long>(own.size()));
    CHECK(own[0] == 0);
    CHECK(ring.read(zero, whole(n.reader)) == -EFAULT);
    CHECK(ring.register_buffer(whole(n.reader)) == -EFAULT);
    close(zero);
    CHECK(n.intact());
}

TEST_CASE("userfaultfd gets no faults of a read-only map, nor fills it", "[device][bypass]") {
    Narrowed n;
    CHECK(watch_faults(n.reader, UFFDIO_REGISTER_MODE_MISSING) == -EPERM);
    CHECK(watch_faults(n.reader, UFFDIO_REGISTER_MODE_WP) < 0);
    CHECK(fill_by_fault(n.reader) == -ENOENT);
    CHECK(n.intact());
}

TEST_CASE("a descriptor taken by pidfd_getfd can do no more than the holder's",
          "[device][bypass]") {
    Narrowed n;
    Child holder([] {
        pause();
        return 0;
    });
    const long taken = taken_from(holder.pid(), n.region.fd());
    REQUIRE(taken >= 0);
    const Region twin(Region::Adopt{static_cast<int>(taken)});
    CHECK(twin.set_mask(rwx) == -EINVAL);
    CHECK(twin.try_map(page_size(), rw) == -EPERM);
    CHECK(n.intact());
}

TEST_CASE("process_madvise on another's map loses nothing", "[device][bypass]") {
    Narrowed n;
    Child holder([] {
        pause();
        return 0;
    });
    CHECK(advise_other(holder.pid(), n.reader, MADV_COLD) == static_cast<long>(n.reader.size()));
    CHECK(advise_other(holder.pid(), n.reader, MADV_PAGEOUT) == static_cast<long>(n.reader.size()));
    CHECK(advise_other(holder.pid(), n.reader, MADV_REMOVE) == -EINVAL);
    CHECK(n.intact());
}

TEST_CASE("KSM, huge page and lock advice change nothing", "[device][bypass]") {
    Narrowed n;
    for (const int advice : {MADV_MERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK,
                             MADV_DONTDUMP, MADV_FREE, MADV_WILLNEED})
        madvise(n.reader.address(), n.reader.size(), advice);
    CHECK(outcome(mlock(n.reader.address(), n.reader.size())) == 0);
    CHECK(n.reader.holds(0xda));
    CHECK(n.intact());
}

// shmem backs a region as it backs a SysV segment, but a region is none.
TEST_CASE("SysV calls neither attach a region nor unmap it", "[device][bypass]") {
    Narrowed n;
    const long refusal = access("/proc/sysvipc", F_OK) == 0 ? -EINVAL : -ENOSYS;
    CHECK(outcome(reinterpret_cast<long>(shmat(0, nullptr, 0))) == refusal);
    CHECK(outcome(shmdt(n.reader.address())) == refusal);
    CHECK(n.reader.holds(0xda));
    CHECK(n.intact());
}

TEST_CASE("pages that a holder locks can be purged all the same", "[device][purge]") {
    const Region region = Region::of_pages(4);
    const Map map = region.map_pages(4);
    map.fill(0xda);
    REQUIRE(mlock(map.address(), map.size()) == 0);
    REQUIRE(region.unpin(0, 0) == 0);
    CHECK(region.purge_all() == 4);
    CHECK(region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(map.holds(0));
}

TEST_CASE("thousands of maps of one holder keep nobody else from the region", "[device][bypass]") {
    Narrowed n;
    const auto count = static_cast<std::size_t>(rounds(20'000));
    std::vector<Map> maps;
    maps.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        maps.push_back(n.region.map_pages(4, PROT_READ));
    CHECK(n.intact());
    CHECK(n.region.status(0, 0) == ASHMEM_IS_PINNED);
    CHECK(in_child([&] { return n.region.try_map(page_size(), PROT_READ) == 0 ? 0 : 1; }) == 0);
}

TEST_CASE("a core dump of a process with maps leaves the region as it was", "[device][bypass]") {
    Narrowed n;
    const std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    REQUIRE(write_file("/proc/sys/kernel/core_pattern", "/tmp/core") == 0);
    CHECK(in_child([&] {
              const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
              setrlimit(RLIMIT_CORE, &all);
              // shared memory too
              write_file("/proc/self/coredump_filter", "0x3f");
              abort();
              return 0;
          }) == 128 + SIGABRT);
    const std::string core = read_file("/tmp/core");
    unlink("/tmp/core");
    write_file("/proc/sys/kernel/core_pattern", pattern);
    CHECK(core.find(std::string(n.reader.size(), '\xda')) != std::string::npos);
    CHECK(n.intact());
    CHECK(n.region.mask() == PROT_READ);
}

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so where something lacks: descriptors, memory, a system call, a right.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "support/preloaded_state.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/seccomp.hpp"
#include "support/sockets.hpp"

using namespace test;

namespace {

constexpr char node[] = "/dev/ashmem";
constexpr std::size_t mib = std::size_t{1} << 20;

long open_node(int flags) {
    return outcome(open(node, flags));
}

// bytes of addresses that this process has
std::size_t addresses() {
    return std::stoul(read_file("/proc/self/statm")) * page_size();
}

void limit_addresses(std::size_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(100);
}

// From now on there is room for so many bytes more, and for no allocation of 1 MiB beyond.
void leave_addresses(std::size_t bytes) {
    const std::size_t now = addresses();
    limit_addresses(now);
    // what lies free between others
    void* volatile taken = nullptr;
    do
        taken = std::malloc(mib);
    while (taken != nullptr); // NOLINT(clang-analyzer-unix.Malloc): it stays taken
    limit_addresses(now + bytes);
}

bool may_be_signalled() {
    sigset_t blocked;
    return sigprocmask(SIG_SETMASK, nullptr, &blocked) == 0 && sigisemptyset(&blocked) != 0;
}

// The kernel's mode of overcommitment, for as long as this lives.
class Overcommit {
public:
    explicit Overcommit(const char* mode) : before_(read_file(knob)) {
        REQUIRE(write_file(knob, mode) == 0);
    }
    Overcommit(const Overcommit&) = delete;
    Overcommit& operator=(const Overcommit&) = delete;
    ~Overcommit() { write_file(knob, before_); }

private:
    static constexpr auto knob = "/proc/sys/vm/overcommit_memory";
    std::string before_;
};

struct Refusal {
    const char* what;
    long call;
    int error;
    std::uint32_t bits;
    std::function<long(const Region&)> use;
    long answer;
};

// a region of a page, mapped
const Refusal refusals[] = {
    {"a lock", SYS_fcntl, ENOLCK, F_OFD_SETLK, [](auto& r) { return r.pin(0, 0); }, -ENOLCK},
    {"a lock for a purge", SYS_fcntl, ENOLCK, F_OFD_SETLK, [](auto& r) { return r.purge_all(); },
     0},
    {"a map of the state", SYS_mmap, ENOMEM, 0, [](auto& r) { return r.pin(0, 0); }, -ENOMEM},
    {"a position", SYS_lseek, EPERM, 0,
     [](auto& r) {
         char byte;
         return outcome(read(r.fd(), &byte, 1));
     },
     -EPERM},
    {"capabilities", SYS_capget, EPERM, 0, [](auto& r) { return r.purge_all(); }, -EPERM},
    {"the personality", SYS_personality, EPERM, 0,
     [](auto& r) { return r.set_mask(PROT_READ) == 0 ? r.mask() : -1; }, PROT_READ},
    {"a memfd", SYS_memfd_create, EACCES, 0, [](auto&) { return open_node(O_RDWR); }, -EACCES},
    {"a memfd, for now", SYS_memfd_create, ENFILE, 0, [](auto&) { return open_node(O_RDWR); },
     -ENFILE},
    {"a size", SYS_ftruncate, EPERM, 0, [](auto&) { return open_node(O_RDWR); }, -EPERM},
    {"a seal", SYS_fcntl, EPERM, F_ADD_SEALS, [](auto&) { return open_node(O_RDWR); }, -EPERM},
    {"a number", SYS_dup3, EBUSY, 0, [](auto&) { return open_node(O_RDONLY); }, -EBUSY},
    {"the machine's memory", SYS_sysinfo, EPERM, 0,
     [](auto&) { return Region::of_pages(1).try_map(page_size()); }, 0},
    {"a thread", SYS_clone3, EAGAIN, 0, [](auto& r) { return r.unpin(0, 0); }, 0},
    {"notice of stalls", SYS_write, EOPNOTSUPP, 0, [](auto& r) { return r.unpin(0, 0); }, 0},
};

} // namespace

TEST_CASE("what a sandbox forbids fails by itself and leaves nothing behind", "[preload]") {
    for (const Refusal& refusal : refusals) {
        CAPTURE(refusal.what);
        CHECK(in_time([&] {
                  const Region region = Region::of_pages(1);
                  const Map map = region.map_pages(1);
                  const std::size_t before = open_descriptors();
                  refuse_call(refusal.call, refusal.error, refusal.bits);
                  if (refusal.call == SYS_clone3) refuse_call(SYS_clone, refusal.error);
                  if (refusal.use(region) != refusal.answer) return 1;
                  if (open_descriptors() != before) return 2;
                  return may_be_signalled() ? 0 : 3;
              }) == 0);
    }
}

TEST_CASE("with a full table of descriptors calls are EMFILE, and change nothing", "[preload]") {
    CHECK(in_time([] {
              const Region region = Region::of_pages(1);
              const Map map = region.map_pages(1);
              const Region writable(O_WRONLY | O_CLOEXEC);
              char byte = 'x';
              leave_numbers(0);
              if (region.pin(0, 0) != -EMFILE || region.set_name("name") != -EMFILE) return 1;
              if (writable.set_size(1) != -EMFILE || writable.size() != -EMFILE) return 2;
              if (region.try_map(page_size()) != -EMFILE) return 3;
              if (outcome(read(region.fd(), &byte, 1)) != -EMFILE) return 4;
              if (outcome(lseek(region.fd(), 0, SEEK_SET)) != -EMFILE) return 5;
              if (outcome(pread(writable.fd(), &byte, 1, 0)) != -EMFILE) return 6;
              if (open_node(O_RDWR) != -EMFILE || region.purge_all() != 0) return 7;
              return may_be_signalled() && byte == 'x' ? 0 : 8;
          }) == 0);
}

TEST_CASE("one number left suffices to map a region that is not narrowed", "[preload]") {
    CHECK(in_time([] {
              const Region region = Region::of_pages(1), narrowed = Region::of_pages(1);
              if (narrowed.set_mask(PROT_READ) != 0) return 1;
              leave_numbers(1);
              if (narrowed.try_map(page_size(), PROT_READ) != -EMFILE) return 2;
              if (region.try_map(page_size()) != 0) return 3;
              // with rights of its own takes a second number, for a moment
              if (open_node(O_RDONLY) != -EMFILE) return 4;
              return open_node(O_RDWR) >= 0 ? 0 : 5;
          }) == 0);
}

TEST_CASE("a purge with few numbers left does all or nothing, and no harm", "[preload]") {
    // /proc, a process's folder, the region, its lock
    constexpr std::size_t needed = 4;
    for (std::size_t left = 0; left <= needed; ++left) {
        CAPTURE(left);
        CHECK(in_time([&] {
                  const Region region = Region::of_pages(1);
                  const Map map = region.map_pages(1);
                  map.fill(1);
                  if (region.unpin(0, 0) != 0) return 1;
                  leave_numbers(left);
                  const bool purged = region.purge_all() >= 1;
                  return purged == (left == needed) && map.holds(purged ? 0 : 1) ? 0 : 2;
              }) == 0);
    }
}

TEST_CASE("a purge without memory purges nothing", "[preload]") {
    CHECK(in_time([] {
              const Region region = Region::of_pages(1);
              const Map map = region.map_pages(1);
              map.fill(1);
              if (region.unpin(0, 0) != 0) return 1;
              leave_addresses(sizeof(ashmem::preload::State) + mib / 2);
              if (region.purge_all() != 0 || !map.holds(1)) return 2;
              return region.pin(0, 0) == ASHMEM_NOT_PURGED ? 0 : 3;
          }) == 0);
}

TEST_CASE("a map that fails leaves no map and no descriptor", "[preload]") {
    CHECK(in_time([] {
              const std::size_t size = 2 * mib;
              const Region region = Region::of_pages(size / page_size());
              leave_addresses(sizeof(ashmem::preload::State) + mib);
              const std::size_t before = addresses(), numbers = open_descriptors();
              // its state has to be there afterwards too
              if (region.try_map(size) != -ENOMEM) return 1;
              return addresses() == before && open_descriptors() == numbers ? 0 : 2;
          }) == 0);
    CHECK(in_time([] {
              const Region region = Region::of_pages(1), other = Region::of_pages(1);
              const Map map = other.map_pages(1);
              map.fill(1);
              if (region.set_mask(PROT_READ) != 0) return 1;
              const std::size_t numbers = open_descriptors();
              // there is something already
              if (mmap(map.address(), page_size(), PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE,
                       region.fd(), 0) != MAP_FAILED ||
                  errno != EEXIST)
                  return 2;
              return open_descriptors() == numbers && map.holds(1) ? 0 : 3;
          }) == 0);
}

TEST_CASE("a map that can't end with its region leaves no map", "[preload]") {
    CHECK(in_time([] {
              const Region region = Region::of_pages(2);
              const auto page = [](int prot) {
                  return mmap(nullptr, page_size(), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              };
              // as many maps as there can be, none of which is one with another
              void* last = MAP_FAILED;
              for (int prot = PROT_READ;; prot ^= PROT_READ) {
                  void* const next = page(prot);
                  if (next == MAP_FAILED) break;
                  last = next;
              }
              munmap(last, page_size());
              const std::size_t before = addresses();
              const auto second = static_cast<off_t>(page_size());
              // what lies past the end would be a map of its own
              if (region.try_map(2 * page_size(), rw, MAP_SHARED, second) != -ENOMEM) return 1;
              // there was room for the region's state
              return addresses() == before && region.set_name("name") == 0 ? 0 : 2;
          }) == 0);
}

TEST_CASE("a size that memory can't hold is ENOMEM at the first map, unless overcommitted",
          "[preload]") {
    const auto map_vast = [](int flags) {
        const Region vast;
        if (vast.set_size(SIZE_MAX / 4) != 0) return 1L;
        return vast.try_map(page_size(), rw, flags);
    };
    struct {
        const char* mode;
        long plain, unreserved;
    } const modes[] = {{"0", -ENOMEM, 0}, {"1", 0, 0}, {"2", -ENOMEM, -ENOMEM}};
    for (const auto& [mode, plain, unreserved] : modes) {
        CAPTURE(mode);
        const Overcommit set(mode);
        CHECK(map_vast(MAP_SHARED) == plain);
        CHECK(map_vast(MAP_SHARED | MAP_NORESERVE) == unreserved);
    }
    CHECK(in_time([] {
              const Region vast;
              if (vast.set_size(SIZE_MAX / 4) != 0) return 1;
              // not enough to ask for the mode
              leave_numbers(1);
              return vast.try_map(page_size()) == -ENOMEM ? 0 : 2;
          }) == 0);
}

TEST_CASE("an offset that no map has is refused as the kernel does", "[preload]") {
    const Region region = Region::of_pages(1);
    constexpr off_t most = off_t{1} << 61;
    CHECK(region.try_map(page_size(), rw, MAP_SHARED, most) == -EOVERFLOW);
    CHECK(region.try_map(page_size(), rw, MAP_SHARED, most + 1) == -EINVAL);
    CHECK(region.try_map(page_size(), rw, MAP_SHARED, -1) == -EINVAL);
    CHECK(region.try_map(0) == -EINVAL);
}

TEST_CASE("a region can't be opened under a limit of file sizes", "[preload]") {
    CHECK(in_time([] {
              const rlimit limit{mib, mib};
              const std::size_t before = open_descriptors();
              signal(SIGXFSZ, SIG_IGN);
              if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              if (open_node(O_RDWR) != -EFBIG || open_node(O_RDONLY) != -EFBIG) return 2;
              return open_descriptors() == before ? 0 : 3;
          }) == 0);
}

// SPDX-License-Identifier: Apache-2.0
// Each allocation and each user copy of each call fails once. The call then says so, or does
// without; nothing leaks, and the region is as it was and works.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "support/faults.hpp"
#include "support/process.hpp"

using namespace test;

namespace {

// ENOSPC is tmpfs's word for an inode that it cannot allocate
bool says_so(long answer) {
    return answer >= 0 || answer == -ENOMEM || answer == -EFAULT || answer == -ENOSPC;
}

// The driver's objects, which have to be as many at the end.
class Objects {
public:
    // what is freed after a grace period, or by a worker, is on its way for a moment
    [[nodiscard]] bool as_before() const {
        for (int i = 0; i < 500 && !same(); ++i)
            usleep(10000);
        return same();
    }

private:
    [[nodiscard]] bool same() const {
        return slab_objects("ashmem_region") == regions_ && slab_objects("ashmem_range") == ranges_;
    }
    std::uint64_t regions_ = slab_objects("ashmem_region");
    std::uint64_t ranges_ = slab_objects("ashmem_range");
};

// As long as it lives, only what the driver's own code asks for may fail.
class BelowTheDriver {
public:
    BelowTheDriver() {
        const auto text = std::stoull(read_file("/sys/module/ashmem/sections/.text"), nullptr, 16);
        allow_faults_below(text, text + (std::uint64_t{1} << 20));
    }
    BelowTheDriver(const BelowTheDriver&) = delete;
    BelowTheDriver& operator=(const BelowTheDriver&) = delete;
    ~BelowTheDriver() { allow_faults_below(0, UINT64_MAX); }
};

constexpr std::size_t pages = 8;

void check_works(const Region& region) {
    const Map map = region.map_pages(pages);
    REQUIRE(region.pin(0, 0) >= 0);
    map.fill(7);
    CHECK(region.unpin_pages(1, 2) == 0);
    CHECK(region.status_pages(1, 2) == ASHMEM_IS_UNPINNED);
    CHECK(region.pin_pages(1, 2) == ASHMEM_NOT_PURGED);
    CHECK(region.status(0, 0) == ASHMEM_IS_PINNED);
    CHECK(map.holds(7));
}

// Makes a region for each point, fails the call on it there, and checks both. Returns the
// number of points.
template <typename Prepare, typename Call, typename Check>
int sweep_region(Prepare prepare, Call call, Check check) {
    const Objects objects;
    const int points = sweep([&](Fault& fault) {
        Region region = Region::of_pages(pages);
        prepare(region);
        const long answer = fault.in([&] { return call(region); });
        INFO("answer " << answer);
        CHECK(says_so(answer));
        check(region, answer);
        check_works(region);
    });
    CHECK(objects.as_before());
    return points;
}

void unprepared(const Region& /*region*/) {}
void unchecked(const Region& /*region*/, long /*answer*/) {}

// mapped, with its pages filled and some of them unpinned
void unpinned(const Region& region) {
    region.map_pages(pages).fill(1);
    REQUIRE(region.unpin_pages(2, 4) == 0);
}

} // namespace

TEST_CASE("open fails cleanly at each point", "[faults]") {
    const Objects objects;
    CHECK(sweep([](Fault& fault) {
              const long fd = fault.in([] { return open("/dev/ashmem", O_RDWR | O_CLOEXEC); });
              CHECK(says_so(fd));
              if (fd >= 0) close(static_cast<int>(fd));
          }) > 2);
    CHECK(objects.as_before());
}

TEST_CASE("open without memory for a region is ENOMEM", "[faults]") {
    // an open has more points at one time than at another: the sweep of all may pass this one over
    const Objects objects;
    const BelowTheDriver below;
    int refused = 0;
    sweep([&](Fault& fault) {
        const long fd = fault.in([] { return open("/dev/ashmem", O_RDWR | O_CLOEXEC); });
        CHECK((fd >= 0 || fd == -ENOMEM));
        refused += fd < 0 ? 1 : 0;
        if (fd >= 0) close(static_cast<int>(fd));
    });
    CHECK(refused > 0);
    CHECK(objects.as_before());
}

TEST_CASE("SET_NAME and GET_NAME fail cleanly at each point", "[faults]") {
    const auto named = [](const Region& region) { REQUIRE(region.set_name("old") == 0); };
    CHECK(sweep_region(
              named, [](const Region& region) { return region.set_name("new"); },
              [](const Region& region, long answer) {
                  CHECK(region.name() == (answer == 0 ? "new" : "old"));
              }) > 0);
    char name[ASHMEM_NAME_LEN];
    CHECK(sweep_region(
              named, [&](const Region& region) { return region.ioctl(ASHMEM_GET_NAME, name); },
              [&](const Region&, long answer) {
                  if (answer == 0) CHECK(std::string(name) == "old");
              }) > 0);
}

TEST_CASE("calls with numbers have no point that may fail", "[faults]") {
    CHECK(sweep_region(
              unprepared,
              [](const Region& region) {
                  return region.set_size((pages + 1) * page_size()) == 0 &&
                                 region.set_mask(rw) == 0 && region.mask() == rw &&
                                 region.size() > 0 && region.set_size(pages * page_size()) == 0
                             ? 0
                             : -1;
              },
              unchecked) == 0);
}

TEST_CASE("the first map fails cleanly at each point", "[faults]") {
    void* address = nullptr;
    const auto map = [&](int flags) {
        return [&address, flags](const Region& region) -> long {
            address = mmap(nullptr, pages * page_size(), rw, flags, region.fd(), 0);
            return address == MAP_FAILED ? -1 : 0;
        };
    };
    const auto unmap = [&](const Region&, long answer) {
        if (answer == 0) munmap(address, pages * page_size());
    };
    CHECK(sweep_region(unprepared, map(MAP_SHARED), unmap) > 2);
    CHECK(sweep_region(unprepared, map(MAP_PRIVATE), unmap) > 2);
    CHECK(sweep_region(unpinned, map(MAP_SHARED), unmap) > 1);
    CHECK(sweep_region(unpinned, map(MAP_SHARED | MAP_POPULATE), unmap) > 1);
}

TEST_CASE("a first touch fails cleanly at each point", "[faults]") {
    // The kernel tries again, or the process would die of it.
    std::optional<Map> map;
    CHECK(sweep_region([&](const Region& region) { map.emplace(region.map_pages(pages)); },
                       [&](const Region&) {
                           (*map)[0] = 1;
                           return 0L;
                       },
                       [&](const Region&, long) { map.reset(); }) > 0);
}

TEST_CASE("UNPIN and PIN fail cleanly at each point", "[faults]") {
    const auto status = [](const Region& region, std::size_t page) {
        return region.status_pages(page) == ASHMEM_IS_UNPINNED;
    };
    CHECK(sweep_region([](const Region& region) { region.map_pages(pages).fill(1); },
                       [](const Region& region) { return region.unpin_pages(2, 4); },
                       [&](const Region& region, long answer) {
                           CHECK(status(region, 3) == (answer == 0));
                       }) > 1);
    // A pin in the middle makes two ranges of one, or pins one remainder too if it cannot.
    CHECK(sweep_region(
              unpinned, [](const Region& region) { return region.pin_pages(3); },
              [&](const Region& region, long answer) {
                  CHECK(status(region, 3) == (answer < 0));
                  CHECK((status(region, 2) || status(region, 5)));
              }) > 0);
    CHECK(sweep_region(
              unpinned, [](const Region& region) { return region.pin(0, 0); },
              [&](const Region& region, long answer) {
                  CHECK(status(region, 2) == (answer < 0));
              }) > 0);
    CHECK(sweep_region(
              unpinned, [](const Region& region) { return region.status_pages(2, 1); },
              [](const Region&, long answer) {
                  CHECK((answer < 0 || answer == ASHMEM_IS_UNPINNED));
              }) > 0);
}

TEST_CASE("PURGE_ALL_CACHES fails cleanly at each point", "[faults]") {
    sweep_region(
        unpinned, [](const Region& region) { return region.purge_all(); },
        [](const Region& region, long answer) {
            REQUIRE(answer >= 0);
            CHECK(region.pin_pages(2, 4) == ASHMEM_WAS_PURGED);
            CHECK(region.map_pages(pages).holds(2 * page_size(), 4 * page_size(), 0));
        });
}

TEST_CASE("GET_FILE_ID, fdinfo, read and lseek fail cleanly at each point", "[faults]") {
    const auto filled = [](const Region& region) { region.map_pages(pages).fill(1); };
    unsigned long id = 0;
    // a single number is copied in a way that fail-nth does not know
    sweep_region(
        filled, [&](const Region& region) { return region.ioctl(ASHMEM_GET_FILE_ID, &id); },
        [](const Region&, long answer) { CHECK(answer == 0); });
    char bytes[64] = {};
    CHECK(sweep_region(
              filled,
              [&](const Region& region) { return pread(region.fd(), bytes, sizeof(bytes), 1); },
              [&](const Region&, long answer) {
                  CHECK((answer <= 0 || std::string(bytes, 64) == std::string(64, 1)));
              }) > 0);
    CHECK(sweep_region(
              filled, [](const Region& region) { return lseek(region.fd(), 0, SEEK_END); },
              [](const Region&, long answer) {
                  CHECK(answer == static_cast<long>(pages * page_size()));
              }) == 0);
    char lines[1024];
    int fdinfo = -1;
    CHECK(sweep_region(
              [&](const Region& region) {
                  const std::string path = "/proc/self/fdinfo/" + std::to_string(region.fd());
                  fdinfo = open(path.c_str(), O_RDONLY | O_CLOEXEC);
              },
              [&](const Region&) { return read(fdinfo, lines, sizeof(lines)); },
              [&](const Region&, long) { close(fdinfo); }) > 0);
}

TEST_CASE("fork of a process that maps a region fails cleanly at each point", "[faults]") {
    std::optional<Map> map;
    CHECK(sweep_region(
              [&](const Region& region) {
                  unpinned(region);
                  map.emplace(region.map_pages(pages));
              },
              [](const Region&) {
                  const pid_t child = fork();
                  if (child == 0) _exit(0);
                  return static_cast<long>(child);
              },
              [&](const Region&, long child) {
                  if (child > 0) waitpid(static_cast<pid_t>(child), nullptr, 0);
                  map.reset();
              }) > 10);
}

TEST_CASE("munmap and close fail cleanly at each point", "[faults]") {
    const Objects objects;
    void* address = nullptr;
    // out of the middle, which makes two maps
    sweep_region(
        [&](const Region& region) {
            unpinned(region);
            address = mmap(nullptr, pages * page_size(), rw, MAP_SHARED, region.fd(), 0);
            REQUIRE(address != MAP_FAILED);
        },
        [&](const Region&) {
            return munmap(static_cast<char*>(address) + page_size(), page_size());
        },
        [&](const Region&, long) { munmap(address, pages * page_size()); });
    sweep([](Fault& fault) {
        Region region = Region::of_pages(pages);
        unpinned(region);
        const int copy = dup(region.fd());
        region.close();
        CHECK(fault.in([copy] { return close(copy); }) == 0);
    });
    CHECK(objects.as_before());
}

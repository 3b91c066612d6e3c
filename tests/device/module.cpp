// SPDX-License-Identifier: Apache-2.0
// Loading and unloading. These claims run in a guest where the driver is not loaded.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "support/faults.hpp"
#include "support/module.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

bool in_kernel_log(const std::string& text) {
    const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    std::string log;
    char record[8192];
    for (ssize_t n; (n = read(fd, record, sizeof(record))) > 0;)
        log.append(record, static_cast<std::size_t>(n));
    close(fd);
    return log.find(text) != std::string::npos;
}

// On both sides of a module's code, where there is no other code than modules'.
constexpr std::uint64_t module_area = 16 << 20;

// Only what the driver's own code asks for: the kernel's code around it, which makes the
// module's tracepoints, leaks and warns when it fails.
void fail_only_below_modules() {
    REQUIRE(load(module_file) == 0);
    const std::uint64_t text =
        std::stoull(read_file("/sys/module/ashmem/sections/.text"), nullptr, 16);
    REQUIRE(unload_soon() == 0);
    REQUIRE(text != 0);
    allow_faults_below(text - module_area, text + module_area);
    // it forgets the name of an object that it cannot add
    forbid_faults_below("sysfs_slab_add");
}

struct Loads {
    int points = 0;
    int refused = 0;
};

// Loads the driver once for each point that may fail. It is loaded whole or not at all, leaves
// nothing behind, and loads afterwards.
Loads loads_that_fail() {
    Loads loads;
    loads.points = sweep([&](Fault& fault) {
        const long answer = fault.in([] { return load(module_file); });
        INFO("answer " << answer);
        // ENOSPC is tmpfs's word for an inode that it cannot allocate
        CHECK((answer == 0 || answer == -ENOMEM || answer == -ENOSPC));
        loads.refused += answer != 0;
        CHECK(access("/dev/ashmem", F_OK) == (answer == 0 ? 0 : -1));
        if (answer == 0) CHECK(unload_soon() == 0);
        // reclaim would call a shrinker that was left behind, in freed memory
        CHECK(write_file("/proc/sys/vm/drop_caches", "2") == 0);
        CHECK(access("/sys/kernel/slab/ashmem_region", F_OK) == -1);
        CHECK(access("/sys/kernel/slab/ashmem_range", F_OK) == -1);
        REQUIRE(load(module_file) == 0);
        CHECK(unload_soon() == 0);
    });
    return loads;
}

} // namespace

TEST_CASE("the node is there from insmod to rmmod", "[module]") {
    REQUIRE(access("/dev/ashmem", F_OK) == -1);
    REQUIRE(load(module_file) == 0);
    CHECK(access("/dev/ashmem", F_OK) == 0);
    REQUIRE(unload_soon() == 0);
    CHECK(access("/dev/ashmem", F_OK) == -1);
}

TEST_CASE("the module's mode parameter is the node's mode", "[module]") {
    REQUIRE(load(module_file, "mode=0640") == 0);
    struct stat st {};
    CHECK(stat("/dev/ashmem", &st) == 0);
    CHECK((st.st_mode & 07777) == 0640);
    CHECK(in_child([] {
              become_nobody();
              return outcome(open("/dev/ashmem", O_RDWR)) == -EACCES ? 0 : 1;
          }) == 0);
    CHECK(unload_soon() == 0);
}

TEST_CASE("a mode that is none is refused with a reason", "[module]") {
    CHECK(load(module_file, "mode=07777") == -EINVAL);
    CHECK(in_kernel_log("mode=07777 is not a set of permission bits"));
    CHECK(access("/dev/ashmem", F_OK) == -1);
}

TEST_CASE("rmmod is refused while a descriptor lives", "[module]") {
    REQUIRE(load(module_file) == 0);
    {
        Region region;
        CHECK(unload() == -EAGAIN);
    }
    CHECK(unload_soon() == 0);
}

TEST_CASE("rmmod is refused while a map lives, and the map works on", "[module]") {
    REQUIRE(load(module_file) == 0);
    {
        Region region = Region::of_pages(2);
        Map map = region.map_pages(2);
        map[0] = 1;
        region.close();
        CHECK(unload() == -EAGAIN);
        map[page_size()] = 2;
        CHECK(map[0] == 1);
    }
    CHECK(unload_soon() == 0);
}

TEST_CASE("rmmod is refused while a private map lives", "[module]") {
    REQUIRE(load(module_file) == 0);
    {
        Region region = Region::of_pages(1);
        Map map = region.map(page_size(), rw, MAP_PRIVATE);
        region.close();
        CHECK(unload() == -EAGAIN);
    }
    CHECK(unload_soon() == 0);
}

TEST_CASE("rmmod works after a process died with regions open", "[module]") {
    REQUIRE(load(module_file) == 0);
    CHECK(in_child([] {
              Region region = Region::of_pages(64);
              Map map = region.map_pages(64);
              map.fill(1);
              region.unpin(0, 0);
              return raise(SIGKILL);
          }) == 128 + SIGKILL);
    CHECK(unload_soon() == 0);
}

TEST_CASE("insmod twice is EEXIST and harms nothing", "[module]") {
    REQUIRE(load(module_file) == 0);
    CHECK(load(module_file) == -EEXIST);
    CHECK(access("/dev/ashmem", F_OK) == 0);
    CHECK(unload_soon() == 0);
}

TEST_CASE("insmod beside another driver of the name is EBUSY with a reason", "[module]") {
    REQUIRE(load("/squatter.ko") == 0);
    CHECK(load(module_file) == -EBUSY);
    CHECK(in_kernel_log("another driver already provides /dev/ashmem"));
    CHECK(unload("squatter") == 0);
    // and the failed load left nothing behind
    REQUIRE(load(module_file) == 0);
    CHECK(unload_soon() == 0);
}

TEST_CASE("reclaim has no trace of a module that was refused", "[module]") {
    // reclaim would call a shrinker that was left behind, in freed memory
    REQUIRE(load("/squatter.ko") == 0);
    for (int round = 0; round < 3; ++round) {
        CHECK(load(module_file) == -EBUSY);
        for (int i = 0; i < 3; ++i)
            CHECK(write_file("/proc/sys/vm/drop_caches", "2") == 0);
    }
    CHECK(unload("squatter") == 0);
    for (int round = 0; round < 3; ++round) {
        REQUIRE(load(module_file) == 0);
        CHECK(write_file("/proc/sys/vm/drop_caches", "2") == 0);
        CHECK(unload_soon() == 0);
        CHECK(write_file("/proc/sys/vm/drop_caches", "2") == 0);
    }
}

TEST_CASE("a mount of /dev without exec takes EXEC from maps", "[module]") {
    REQUIRE(load(module_file) == 0);
    CHECK(in_child([] {
              mkdir("/mnt", 0755);
              if (mount("devtmpfs", "/mnt", "devtmpfs", MS_NOEXEC, nullptr) != 0) return 1;
              int ret = 0;
              {
                  Region region(Region::Adopt{open("/mnt/ashmem", O_RDWR | O_CLOEXEC)});
                  region.set_size(page_size());
                  if (region.try_map(page_size(), rwx) != -EPERM) ret = 2;
                  if (region.try_map(page_size(), rw) != 0) ret = 3;
              }
              umount("/mnt");
              return ret;
          }) == 0);
    CHECK(unload_soon() == 0);
}

TEST_CASE("a module whose initialization fails at any point is gone, and loads again",
          "[module-faults]") {
    fail_only_below_modules();
    const Loads loads = loads_that_fail();
    CHECK(loads.points > 10);
    CHECK(loads.refused > 5);
}

TEST_CASE("a module without memory for its caches, shrinker or lists is gone, and loads again",
          "[module-faults]") {
    for (const char* function : {"__kmem_cache_create_args", "shrinker_alloc", "__list_lru_init"}) {
        INFO(function);
        allow_faults_below(function);
        forbid_faults_below("sysfs_slab_add");
        CHECK(loads_that_fail().refused > 0);
    }
}

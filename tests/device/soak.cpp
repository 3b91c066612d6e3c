// SPDX-License-Identifier: Apache-2.0
// Hundreds of thousands of rounds, after which no memory may be left.
//
// [soak] runs with the module loaded; [module] loads and unloads it itself, and runs in
// a guest where it is not loaded and the file is /ashmem.ko.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

constexpr const char* module_file = "/ashmem.ko";

long load(const char* file, const char* parameters = "") {
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    const long ret = outcome(syscall(SYS_finit_module, fd, parameters, 0));
    close(fd);
    return ret;
}

long unload(const char* name = "ashmem") {
    return outcome(syscall(SYS_delete_module, name, O_NONBLOCK));
}

// Unloads even when it has to wait a moment: the end of a tmpfs file whose
// last reference went in an exiting process is deferred to a worker.
long unload_soon() {
    long ret = -EAGAIN;
    for (int i = 0; i < 100 && ret == -EAGAIN; ++i) {
        ret = unload();
        if (ret == -EAGAIN) usleep(20000);
    }
    return ret;
}

std::uint64_t kernel_memory() {
    write_file("/proc/sys/vm/drop_caches", "3");
    return meminfo("SUnreclaim") + meminfo("Percpu") + meminfo("VmallocUsed");
}

// How much kernel_memory() may grow without a leak. A kernel with KASAN keeps back freed
// memory, up to a share of all memory; there kmemleak finds leaks.
std::uint64_t memory_slack() {
    const bool keeps_back = access("/sys/kernel/debug/kmemleak", F_OK) == 0;
    return keeps_back ? meminfo("MemTotal") / 16 : std::uint64_t{2} << 20;
}

// Whether kernel_memory() comes down to what it was. What is freed after a grace
// period is still on its way when the last call returns, on a busy machine for
// seconds; what has leaked never comes back.
bool settles_at(std::uint64_t memory) {
    const std::uint64_t most = memory + memory_slack();
    for (int i = 0; i < 600 && kernel_memory() >= most; ++i)
        usleep(100000);
    return kernel_memory() < most;
}

bool in_kernel_log(const std::string& text) {
    const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    std::string log;
    char record[8192];
    for (ssize_t n; (n = read(fd, record, sizeof(record))) > 0;)
        log.append(record, static_cast<std::size_t>(n));
    close(fd);
    return log.find(text) != std::string::npos;
}

} // namespace

TEST_CASE("100,000 rounds of open, map, unpin and close leave slabs and pages as they were",
          "[soak]") {
    const auto run = [](int count) {
        for (int i = 0; i < count; ++i) {
            Region region = Region::of_pages(4);
            Map map = region.map_pages(4);
            map[0] = 1;
            if (region.unpin_pages(0, 2) != 0 || region.unpin_pages(3) != 0) return 1;
            if (i % 64 == 0 && region.purge_all() < 3) return 2;
        }
        return 0;
    };
    REQUIRE(in_child([&] { return run(rounds(1000)); }) == 0); // caches are warm from here on
    const auto regions = slab_objects("ashmem_region"), ranges = slab_objects("ashmem_range");
    const auto memory = kernel_memory(), shmem = meminfo("Shmem");
    REQUIRE(in_child([&] { return run(rounds(100000)); }) == 0);
    CHECK(slab_objects("ashmem_region") == regions);
    CHECK(slab_objects("ashmem_range") == ranges);
    CHECK(meminfo("Shmem") <= shmem + (std::uint64_t{64} << 10));
    CHECK(settles_at(memory));
}

TEST_CASE("1,000 rounds of insmod and rmmod leave slabs and pages as they were", "[module]") {
    const auto run = [](int count) {
        for (int i = 0; i < count; ++i)
            if (load(module_file) != 0 || unload_soon() != 0) return 1;
        return 0;
    };
    REQUIRE(run(rounds(20)) == 0);
    const auto memory = kernel_memory();
    REQUIRE(run(rounds(1000)) == 0);
    CHECK(settles_at(memory));
    CHECK(access("/dev/ashmem", F_OK) == -1);
    CHECK(access("/sys/kernel/slab/ashmem_region", F_OK) == -1);
}

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

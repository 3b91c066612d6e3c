// SPDX-License-Identifier: Apache-2.0
// The C functions: libcutils' six and our own, on the device.
#include <android/sharedmem.h>
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "support/backend.hpp"
#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using namespace test;

namespace {

// a region by the library, closed at the end
Region create(const char* name, std::size_t size) {
    const int fd = ashmem_create_region(name, size);
    REQUIRE(fd >= 0);
    return Region(Region::Adopt{fd});
}

// errno after a call that must answer -1
int error_of(long ret) {
    return ret == -1 ? errno : 0;
}

// Every function that takes a descriptor, and its error for this one.
std::vector<int> errors_of(int fd) {
    char name[ASHMEM_NAME_LEN];
    return {
        error_of(ashmem_set_prot_region(fd, PROT_READ)),
        error_of(ashmem_pin_region(fd, 0, 0)),
        error_of(ashmem_unpin_region(fd, 0, 0)),
        error_of(ashmem_get_size_region(fd)),
        error_of(ashmem_get_size_region64(fd)),
        error_of(ashmem_get_prot_region(fd)),
        error_of(ashmem_get_pin_status_region(fd, 0, 0)),
        error_of(ashmem_purge_all_caches(fd)),
        error_of(ashmem_get_name_region(fd, name, sizeof(name))),
        error_of(ashmem_backend(fd)),
        error_of(ASharedMemory_setProt(fd, PROT_READ)),
    };
}

// Descriptors of all kinds that are no regions.
std::vector<Region> foreign() {
    int pipes[2];
    REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
    close(pipes[1]);
    std::vector<Region> all;
    for (int fd :
         {open("/dev/null", O_RDWR | O_CLOEXEC), open("/proc/self/exe", O_RDONLY),
          open("/", O_RDONLY | O_DIRECTORY), memfd_create("ashmem", MFD_CLOEXEC), pipes[0]}) {
        REQUIRE(fd >= 0);
        all.emplace_back(Region::Adopt{fd});
    }
    return all;
}

} // namespace

TEST_CASE("a descriptor that is closed is EBADF to every function", "[library][host]") {
    CHECK(errors_of(-1) == std::vector<int>(11, EBADF));
    CHECK(errors_of(1000000) == std::vector<int>(11, EBADF));
    CHECK(ashmem_valid(-1) == 0);
    CHECK(errno == EBADF);
}

TEST_CASE("a descriptor of another kind is ENOTTY to every function, and never the end",
          "[library][host]") {
    for (const auto& other : foreign()) {
        CHECK(errors_of(other.fd()) == std::vector<int>(11, ENOTTY));
        CHECK(ashmem_valid(other.fd()) == 0);
        CHECK(errno == ENOTTY);
        CHECK(ASharedMemory_getSize(other.fd()) == 0);
    }
}

TEST_CASE("without a device creation that insists on it says so", "[library][host]") {
    const Backend device("device");
    if (access("/dev/ashmem", F_OK) == 0) {
        CHECK(ashmem_device_is_supported() == 1);
    } else {
        CHECK(ashmem_device_is_supported() == 0);
        CHECK(errno == ENOENT);
        CHECK(error_of(ashmem_create_region("x", 4096)) == ENOENT);
    }
}

TEST_CASE("a created region is valid, as large as asked for, and close-on-exec",
          "[device][library]") {
    for (std::size_t size : {std::size_t{1}, page_size() - 1, page_size(), std::size_t{1234567}}) {
        Region region = create("exact", size);
        CHECK(ashmem_valid(region.fd()) == 1);
        CHECK(ashmem_get_size_region(region.fd()) == static_cast<int>(size));
        CHECK(fcntl(region.fd(), F_GETFD) == FD_CLOEXEC);
        CHECK(region.size() == static_cast<long>(size));
    }
}

TEST_CASE("the device is supported where it is, and taken", "[device][library]") {
    CHECK(ashmem_device_is_supported() == 1);
    CHECK(ashmem_backend(create("x", 1).fd()) == ASHMEM_BACKEND_DEVICE);
    const Backend memfd("memfd");
    CHECK(ashmem_backend(create("x", 1).fd()) == ASHMEM_BACKEND_MEMFD);
}

TEST_CASE("a region created without a name is called none", "[device][library]") {
    CHECK(create(nullptr, 1).name() == "none");
    CHECK(create("", 1).name() == ASHMEM_NAME_DEF);
}

TEST_CASE("a created region's name is cut at 255 bytes", "[device][library]") {
    CHECK(create(std::string(300, 'n').c_str(), 1).name() == std::string(255, 'n'));
}

TEST_CASE("ashmem_get_name_region tells the name and its length", "[device][library]") {
    Region region = create("twelve bytes", 1);
    char name[ASHMEM_NAME_LEN];
    CHECK(ashmem_get_name_region(region.fd(), name, sizeof(name)) == 12);
    CHECK(std::string(name) == "twelve bytes");
    CHECK(ashmem_get_name_region(region.fd(), name, 13) == 12);
}

TEST_CASE("a buffer too small for the name is ERANGE and stays as it is", "[device][library]") {
    Region region = create("twelve bytes", 1);
    char name[16];
    std::memset(name, 'z', sizeof(name));
    CHECK(error_of(ashmem_get_name_region(region.fd(), name, 12)) == ERANGE);
    CHECK(std::string(name, sizeof(name)) == std::string(sizeof(name), 'z'));
}

TEST_CASE("a region of size 0 is made and can't be mapped", "[device][library]") {
    Region region = create("empty", 0);
    CHECK(ashmem_get_size_region(region.fd()) == 0);
    CHECK(region.try_map(1) == -EINVAL);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("a size beyond an int is EOVERFLOW, and whole in 64 bits", "[device][library]") {
    for (std::uint64_t size :
         {std::uint64_t{2} << 30, std::uint64_t{3} << 30, std::uint64_t{4} << 30,
          (std::uint64_t{4} << 30) + 4096, std::uint64_t{5} << 30, std::uint64_t{0xfffffffc},
          std::uint64_t{0xffffffff}, std::uint64_t{1} << 40}) {
        INFO(size);
        Region region = create("large", size);
        CHECK(error_of(ashmem_get_size_region(region.fd())) == EOVERFLOW);
        CHECK(ashmem_get_size_region64(region.fd()) == static_cast<std::int64_t>(size));
        REQUIRE(region.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) == 0);
        CHECK(ashmem_get_size_region64(region.fd()) == static_cast<std::int64_t>(size));
    }
}

TEST_CASE("a size beyond an int that /proc cannot tell is EOVERFLOW, and whole once mapped",
          "[device][library]") {
    const std::size_t large = std::size_t{3} << 30, larger = std::size_t{5} << 30;
    Region region = create("large", large), mapped = create("larger", larger);
    REQUIRE(mapped.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) == 0);
    CHECK(
        in_child([&] {
            leave_numbers(0);
            if (error_of(ashmem_get_size_region64(region.fd())) != EOVERFLOW) return 1;
            if (region.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) != 0) return 2;
            for (const auto& [each, size] : {std::pair(&region, large), std::pair(&mapped, larger)})
                if (ashmem_get_size_region64(each->fd()) != static_cast<std::int64_t>(size))
                    return 3;
            return 0;
        }) == 0);
}

TEST_CASE("a pin range beyond 32 bits is EINVAL, not another range", "[device][library]") {
    const std::size_t size = std::size_t{6} << 30, over = std::size_t{1} << 32;
    Region region = create("large", size);
    Map map = region.map(size, rw, MAP_SHARED | MAP_NORESERVE);
    CHECK(error_of(ashmem_unpin_region(region.fd(), over, page_size())) == EINVAL);
    CHECK(error_of(ashmem_unpin_region(region.fd(), 0, over + page_size())) == EINVAL);
    CHECK(error_of(ashmem_pin_region(region.fd(), over, 0)) == EINVAL);
    CHECK(error_of(ashmem_get_pin_status_region(region.fd(), over, 0)) == EINVAL);
    CHECK(region.status(0, 0) == ASHMEM_IS_PINNED);
}
#endif

TEST_CASE("a name that imitates fdinfo can't forge a size", "[device][library]") {
    Region region = create("x\nsize:\t999", 1000);
    CHECK(ashmem_get_size_region64(region.fd()) == 1000);
}

TEST_CASE("locks that crowd fdinfo don't hide a size", "[device][library]") {
    Region region = create("locked", 4097);
    for (off_t at = 0; at < 128; at += 2) {
        struct flock lock {};
        lock.l_type = F_RDLCK;
        lock.l_start = at;
        lock.l_len = 1;
        REQUIRE(fcntl(region.fd(), F_OFD_SETLK, &lock) == 0);
    }
    CHECK(ashmem_get_size_region64(region.fd()) == 4097);
}

TEST_CASE("ashmem_set_prot_region narrows for good", "[device][library]") {
    Region region = create("narrow", page_size());
    CHECK(ashmem_get_prot_region(region.fd()) == rwx);
    CHECK(ashmem_set_prot_region(region.fd(), PROT_READ) == 0);
    CHECK(ashmem_get_prot_region(region.fd()) == PROT_READ);
    CHECK(region.try_map(page_size(), PROT_WRITE) == -EPERM);
    CHECK(error_of(ashmem_set_prot_region(region.fd(), rw)) == EINVAL);
    CHECK(error_of(ashmem_set_prot_region(region.fd(), -1)) == EINVAL);
    CHECK(ashmem_get_prot_region(region.fd()) == PROT_READ);
}

TEST_CASE("a region narrowed to WRITE can't be mapped for reading", "[device][library]") {
    Region region = create("write only", page_size());
    REQUIRE(ashmem_set_prot_region(region.fd(), PROT_WRITE) == 0);
    CHECK(region.try_map(page_size(), PROT_READ) == -EPERM);
}

TEST_CASE("a protection set in a child binds the parent", "[device][library]") {
    Region region = create("child", page_size());
    REQUIRE(in_child([&] { return ashmem_set_prot_region(region.fd(), PROT_READ); }) == 0);
    CHECK(ashmem_get_prot_region(region.fd()) == PROT_READ);
    CHECK(region.try_map(page_size(), rw) == -EPERM);
}

TEST_CASE("pin, unpin, status and purge by the library", "[device][library]") {
    Region region = create("pins", 4 * page_size());
    CHECK(error_of(ashmem_pin_region(region.fd(), 0, 0)) == EINVAL);
    Map map = region.map_pages(4);
    map.fill(1);
    CHECK(ashmem_get_pin_status_region(region.fd(), 0, 0) == ASHMEM_IS_PINNED);
    CHECK(ashmem_unpin_region(region.fd(), page_size(), page_size()) == 0);
    CHECK(ashmem_get_pin_status_region(region.fd(), 0, 0) == ASHMEM_IS_UNPINNED);
    CHECK(ashmem_purge_all_caches(region.fd()) == 1);
    CHECK(ashmem_pin_region(region.fd(), 0, page_size()) == ASHMEM_NOT_PURGED);
    CHECK(ashmem_pin_region(region.fd(), 0, 0) == ASHMEM_WAS_PURGED);
    CHECK(error_of(ashmem_pin_region(region.fd(), 1, page_size())) == EINVAL);
}

TEST_CASE("the NDK's functions make, size and narrow a region", "[device][library]") {
    Region region(Region::Adopt{ASharedMemory_create("ndk", 1000)});
    CHECK(ashmem_valid(region.fd()) == 1);
    CHECK(ASharedMemory_getSize(region.fd()) == 1000);
    CHECK(ASharedMemory_setProt(region.fd(), PROT_READ) == 0);
    CHECK(region.try_map(1000, rw) == -EPERM);
    CHECK(error_of(ASharedMemory_setProt(region.fd(), rw)) == EINVAL);
    CHECK(ASharedMemory_create("ndk", 0) == -EINVAL);
}

TEST_CASE("ashmem_purge_all_caches without the capability is EPERM", "[device][library]") {
    Region region = create("pins", page_size());
    CHECK(in_child([&] {
              drop_capabilities();
              return error_of(ashmem_purge_all_caches(region.fd()));
          }) == EPERM);
}

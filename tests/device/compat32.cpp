// SPDX-License-Identifier: Apache-2.0
// 32-bit callers on a 64-bit kernel, through the 32-bit system call entry.
#if defined(__x86_64__)

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "support/region.hpp"

using namespace test;

namespace {

constexpr unsigned set_size32 = _IOW(__ASHMEMIOC, 3, std::uint32_t);
constexpr unsigned set_prot_mask32 = _IOW(__ASHMEMIOC, 5, std::uint32_t);
constexpr unsigned get_file_id32 = _IOR(__ASHMEMIOC, 11, std::uint32_t);

// ioctl as a 32-bit program makes it; 54 is its number there
long ioctl32(const Region& region, unsigned command, std::uint32_t argument) {
    long ret = 54;
    asm volatile("int $0x80"
                 : "+a"(ret)
                 : "b"(region.fd()), "c"(command), "d"(argument)
                 : "memory", "r8", "r9", "r10", "r11");
    return static_cast<int>(ret);
}

// a page that a 32-bit pointer reaches
class LowPage {
public:
    LowPage()
        : page_(mmap(nullptr, page_size(), rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0)) {}
    LowPage(const LowPage&) = delete;
    LowPage& operator=(const LowPage&) = delete;
    ~LowPage() { munmap(page_, page_size()); }
    char* data() const { return static_cast<char*>(page_); }
    std::uint32_t pointer() const {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(page_));
    }

private:
    void* page_;
};

} // namespace

TEST_CASE("32-bit SET_SIZE and GET_SIZE work", "[device][compat32]") {
    Region region;
    CHECK(ioctl32(region, set_size32, 0x12345) == 0);
    CHECK(ioctl32(region, ASHMEM_GET_SIZE, 0) == 0x12345);
}

TEST_CASE("a 32-bit size of up to 4 GiB is not sign-extended", "[device][compat32]") {
    Region region;
    CHECK(ioctl32(region, set_size32, 0xfffff000) == 0);
    REQUIRE(region.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) == 0);
    CHECK(outcome(lseek(region.fd(), 0, SEEK_END)) == 0xfffff000);
}

TEST_CASE("32-bit SET_PROT_MASK works and only removes", "[device][compat32]") {
    Region region;
    CHECK(ioctl32(region, set_prot_mask32, PROT_READ) == 0);
    CHECK(ioctl32(region, ASHMEM_GET_PROT_MASK, 0) == PROT_READ);
    CHECK(ioctl32(region, set_prot_mask32, rw) == -EINVAL);
}

TEST_CASE("32-bit SET_NAME and GET_NAME work", "[device][compat32]") {
    Region region;
    LowPage page;
    std::memcpy(page.data(), "thirty-two", sizeof("thirty-two"));
    CHECK(ioctl32(region, ASHMEM_SET_NAME, page.pointer()) == 0);
    CHECK(region.name() == "thirty-two");
    std::memset(page.data(), 0, 32);
    CHECK(ioctl32(region, ASHMEM_GET_NAME, page.pointer()) == 0);
    CHECK(std::string(page.data()) == "thirty-two");
}

TEST_CASE("32-bit PIN, UNPIN and GET_PIN_STATUS work", "[device][compat32]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2);
    LowPage page;
    const ashmem_pin second{static_cast<__u32>(page_size()), 0};
    std::memcpy(page.data(), &second, sizeof(second));
    CHECK(ioctl32(region, ASHMEM_UNPIN, page.pointer()) == 0);
    CHECK(ioctl32(region, ASHMEM_GET_PIN_STATUS, page.pointer()) == ASHMEM_IS_UNPINNED);
    CHECK(region.status_pages(0) == ASHMEM_IS_PINNED);
    CHECK(ioctl32(region, ASHMEM_PURGE_ALL_CACHES, 0) == 1);
    CHECK(ioctl32(region, ASHMEM_PIN, page.pointer()) == ASHMEM_WAS_PURGED);
}

TEST_CASE("32-bit GET_FILE_ID writes four bytes and no more", "[device][compat32]") {
    Region region = Region::of_pages(1);
    LowPage page;
    CHECK(ioctl32(region, get_file_id32, page.pointer()) == -EINVAL);
    Map map = region.map_pages(1);
    std::memset(page.data(), 0x5a, 8);
    REQUIRE(ioctl32(region, get_file_id32, page.pointer()) == 0);
    std::uint32_t id = 0;
    std::memcpy(&id, page.data(), sizeof(id));
    CHECK(std::to_string(id) == region.fdinfo()["inode"]);
    CHECK(page.data()[4] == 0x5a);
    CHECK(ioctl32(region, get_file_id32, 0) == -EFAULT);
}

TEST_CASE("64-bit numbers are taken from 32-bit callers too", "[device][compat32]") {
    Region region;
    CHECK(ioctl32(region, static_cast<unsigned>(ASHMEM_SET_SIZE), 4096) == 0);
    CHECK(ioctl32(region, static_cast<unsigned>(ASHMEM_SET_PROT_MASK), rw) == 0);
    CHECK(region.size() == 4096);
    CHECK(region.mask() == rw);
}

TEST_CASE("32-bit numbers from a 64-bit caller are ENOTTY", "[device][compat32]") {
    Region region;
    CHECK(region.ioctl(set_size32, 4096UL) == -ENOTTY);
    CHECK(region.ioctl(set_prot_mask32, 1UL) == -ENOTTY);
    CHECK(region.ioctl(get_file_id32, 0UL) == -ENOTTY);
}

TEST_CASE("an unknown 32-bit ioctl is ENOTTY", "[device][compat32]") {
    CHECK(ioctl32(Region(), _IO(__ASHMEMIOC, 12), 0) == -ENOTTY);
}

#endif

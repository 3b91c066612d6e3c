// SPDX-License-Identifier: Apache-2.0
// read, lseek, fdinfo and GET_FILE_ID.
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <sstream>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

// a region of so many bytes, each its position modulo 251
struct Counting {
    explicit Counting(std::size_t size) {
        REQUIRE(region.set_size(size) == 0);
        const std::size_t rounded = (size + page_size() - 1) / page_size() * page_size();
        Map map = region.map(rounded);
        for (std::size_t i = 0; i < size; ++i)
            map[i] = at(i);
    }
    static unsigned char at(std::size_t i) { return static_cast<unsigned char>(i % 251); }
    long seek(off_t offset, int whence) const {
        return outcome(lseek(region.fd(), offset, whence));
    }
    Region region;
};

} // namespace

TEST_CASE("read without a size is the end of file", "[device][read]") {
    Region region;
    char byte = 0;
    CHECK(outcome(read(region.fd(), &byte, 1)) == 0);
    CHECK(outcome(pread(region.fd(), &byte, 1, 100)) == 0);
}

TEST_CASE("read before the first map is EBADF", "[device][read]") {
    Region region = Region::of_pages(1);
    char byte = 0;
    CHECK(outcome(read(region.fd(), &byte, 1)) == -EBADF);
    CHECK(outcome(pread(region.fd(), &byte, 1, 0)) == -EBADF);
}

TEST_CASE("read gives what maps hold, from the position on", "[device][read]") {
    Counting c(3 * page_size());
    std::vector<unsigned char> bytes(page_size() + 10);
    for (std::size_t start : {std::size_t{0}, bytes.size()}) {
        REQUIRE(read(c.region.fd(), bytes.data(), bytes.size()) ==
                static_cast<ssize_t>(bytes.size()));
        bool same = true;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            same &= bytes[i] == Counting::at(start + i);
        CHECK(same);
    }
    CHECK(c.seek(0, SEEK_CUR) == static_cast<long>(2 * bytes.size()));
}

TEST_CASE("read ends at the size, to the byte", "[device][read]") {
    Counting c(1000);
    char bytes[2000];
    CHECK(read(c.region.fd(), bytes, sizeof(bytes)) == 1000);
    CHECK(read(c.region.fd(), bytes, sizeof(bytes)) == 0);
}

TEST_CASE("read of pages never touched gives zeros", "[device][read]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2);
    std::vector<char> bytes(2 * page_size(), 'x');
    REQUIRE(read(region.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(bytes == std::vector<char>(2 * page_size(), 0));
}

TEST_CASE("read into a bad pointer is EFAULT", "[device][read]") {
    Counting c(100);
    EdgePage edge;
    CHECK(outcome(read(c.region.fd(), edge.last(0), 10)) == -EFAULT);
    CHECK(c.seek(0, SEEK_CUR) == 0);
}

TEST_CASE("pread reads at its offset and moves no position", "[device][read]") {
    Counting c(1000);
    REQUIRE(c.seek(5, SEEK_SET) == 5);
    unsigned char bytes[4];
    REQUIRE(pread(c.region.fd(), bytes, 4, 100) == 4);
    CHECK(bytes[0] == Counting::at(100));
    CHECK(c.seek(0, SEEK_CUR) == 5);
    REQUIRE(read(c.region.fd(), bytes, 4) == 4);
    CHECK(bytes[0] == Counting::at(5));
}

TEST_CASE("pread at a negative offset is EINVAL", "[device][read]") {
    Counting c(10);
    char byte = 0;
    CHECK(outcome(pread(c.region.fd(), &byte, 1, -1)) == -EINVAL);
}

TEST_CASE("readv and preadv fill all their buffers", "[device][read]") {
    Counting c(1000);
    unsigned char a[10], b[20];
    const iovec parts[] = {{a, sizeof(a)}, {b, sizeof(b)}};
    CHECK(readv(c.region.fd(), parts, 2) == 30);
    CHECK(b[19] == Counting::at(29));
    CHECK(preadv(c.region.fd(), parts, 2, 980) == 20);
    CHECK(a[0] == Counting::at(980));
    CHECK(b[9] == Counting::at(999));
}

TEST_CASE("processes that share a descriptor share its position", "[device][read]") {
    Counting c(100);
    REQUIRE(in_child([&] { return c.seek(40, SEEK_SET) == 40 ? 0 : 1; }) == 0);
    CHECK(c.seek(0, SEEK_CUR) == 40);
}

TEST_CASE("lseek without a size is EINVAL", "[device][seek]") {
    Region region;
    CHECK(outcome(lseek(region.fd(), 0, SEEK_SET)) == -EINVAL);
    CHECK(outcome(lseek(region.fd(), 0, SEEK_END)) == -EINVAL);
}

TEST_CASE("lseek before the first map is EBADF", "[device][seek]") {
    Region region = Region::of_pages(1);
    for (int whence : {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE})
        CHECK(outcome(lseek(region.fd(), 0, whence)) == -EBADF);
}

TEST_CASE("SEEK_END is the exact size, not the rounded one", "[device][seek]") {
    Counting c(1234);
    CHECK(c.seek(0, SEEK_END) == 1234);
    CHECK(c.seek(-1000, SEEK_END) == 234);
    CHECK(c.seek(0, SEEK_CUR) == 234);
}

TEST_CASE("SEEK_CUR counts from the position", "[device][seek]") {
    Counting c(1000);
    CHECK(c.seek(100, SEEK_CUR) == 100);
    CHECK(c.seek(50, SEEK_CUR) == 150);
    CHECK(c.seek(-150, SEEK_CUR) == 0);
}

TEST_CASE("SEEK_CUR counts from where a read ended", "[device][seek]") {
    Counting c(1000);
    char bytes[30];
    REQUIRE(read(c.region.fd(), bytes, sizeof(bytes)) == 30);
    CHECK(c.seek(0, SEEK_CUR) == 30);
    CHECK(c.seek(5, SEEK_CUR) == 35);
}

TEST_CASE("a seek to before the start is EINVAL and moves nothing", "[device][seek]") {
    Counting c(1000);
    REQUIRE(c.seek(10, SEEK_SET) == 10);
    CHECK(c.seek(-1, SEEK_SET) == -EINVAL);
    CHECK(c.seek(-11, SEEK_CUR) == -EINVAL);
    CHECK(c.seek(-1001, SEEK_END) == -EINVAL);
    CHECK(c.seek(0, SEEK_CUR) == 10);
}

TEST_CASE("a seek past the end is fine, a read there the end of file", "[device][seek]") {
    Counting c(1000);
    CHECK(c.seek(100000, SEEK_SET) == 100000);
    char byte = 0;
    CHECK(read(c.region.fd(), &byte, 1) == 0);
}

TEST_CASE("a seek beyond the largest offset is EINVAL", "[device][seek]") {
    Counting c(1000);
    REQUIRE(c.seek(10, SEEK_SET) == 10);
    CHECK(c.seek(std::numeric_limits<off_t>::max(), SEEK_CUR) == -EINVAL);
    CHECK(c.seek(0, SEEK_CUR) == 10);
}

TEST_CASE("an unknown whence is EINVAL", "[device][seek]") {
    Counting c(10);
    CHECK(c.seek(0, 99) == -EINVAL);
}

TEST_CASE("SEEK_DATA and SEEK_HOLE find what was touched", "[device][seek]") {
    Region region = Region::of_pages(4);
    Map map = region.map_pages(4);
    map[page_size()] = 1;
    const auto page = static_cast<long>(page_size());
    CHECK(outcome(lseek(region.fd(), 0, SEEK_DATA)) == page);
    CHECK(outcome(lseek(region.fd(), page, SEEK_HOLE)) == 2 * page);
    CHECK(outcome(lseek(region.fd(), 0, SEEK_CUR)) == 2 * page);
    CHECK(outcome(lseek(region.fd(), 2 * page, SEEK_DATA)) == -ENXIO);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("SEEK_END tells sizes of 4 GiB and more", "[device][seek]") {
    Region region;
    const std::size_t size = (std::size_t{5} << 30) + 123;
    REQUIRE(region.set_size(size) == 0);
    REQUIRE(region.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) == 0);
    CHECK(outcome(lseek(region.fd(), 0, SEEK_END)) == static_cast<long>(size));
}
#endif

TEST_CASE("GET_FILE_ID before the first map is EINVAL", "[device][ioctl]") {
    Region region = Region::of_pages(1);
    unsigned long id = 0;
    CHECK(region.ioctl(ASHMEM_GET_FILE_ID, &id) == -EINVAL);
    CHECK(region.ioctl(ASHMEM_GET_FILE_ID) == -EINVAL);
}

TEST_CASE("GET_FILE_ID is the inode number that maps shows", "[device][ioctl][fdinfo]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    unsigned long id = ~0UL;
    REQUIRE(region.ioctl(ASHMEM_GET_FILE_ID, &id) == 0);
    std::istringstream line(map.maps_line());
    std::string word;
    for (int i = 0; i < 5; ++i)
        line >> word;
    CHECK(word == std::to_string(id));
    CHECK(region.fdinfo()["inode"] == std::to_string(id));
}

TEST_CASE("GET_FILE_ID tells two regions apart", "[device][ioctl]") {
    Region a = Region::of_pages(1), b = Region::of_pages(1);
    Map map_a = a.map_pages(1), map_b = b.map_pages(1);
    unsigned long id_a = 0, id_b = 0;
    REQUIRE(a.ioctl(ASHMEM_GET_FILE_ID, &id_a) == 0);
    REQUIRE(b.ioctl(ASHMEM_GET_FILE_ID, &id_b) == 0);
    CHECK(id_a != id_b);
}

TEST_CASE("GET_FILE_ID with a bad pointer is EFAULT", "[device][ioctl]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    CHECK(region.ioctl(ASHMEM_GET_FILE_ID) == -EFAULT);
}

TEST_CASE("fdinfo of a new region has size and mask, no name and no inode", "[device][fdinfo]") {
    auto lines = Region().fdinfo();
    CHECK(lines["size"] == "0");
    CHECK(lines["prot_mask"] == "7");
    CHECK(lines["unpinned"] == "0");
    CHECK(lines["purged"] == "0");
    CHECK(lines.count("name") == 0);
    CHECK(lines.count("inode") == 0);
}

TEST_CASE("fdinfo tells name, size and mask as set", "[device][fdinfo]") {
    Region region;
    REQUIRE(region.set_name("shown") == 0);
    REQUIRE(region.set_size(12345) == 0);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    auto lines = region.fdinfo();
    CHECK(lines["name"] == "shown");
    CHECK(lines["size"] == "12345");
    CHECK(lines["prot_mask"] == "1");
}

TEST_CASE("a newline in a name can't forge a line of fdinfo", "[device][fdinfo]") {
    Region region;
    REQUIRE(region.set_name("x\nsize:\t1\\") == 0);
    auto lines = region.fdinfo();
    CHECK(lines["size"] == "0");
    CHECK(lines["name"] == "x\\012size:\t1\\134");
}

TEST_CASE("fdinfo counts unpinned and purged bytes", "[device][fdinfo]") {
    Region region = Region::of_pages(8);
    Map map = region.map_pages(8);
    REQUIRE(region.unpin_pages(2, 3) == 0);
    CHECK(region.fdinfo_number("unpinned") == 3 * page_size());
    CHECK(region.fdinfo_number("purged") == 0);
    REQUIRE(region.purge_all() == 3);
    CHECK(region.fdinfo_number("unpinned") == 3 * page_size());
    CHECK(region.fdinfo_number("purged") == 3 * page_size());
    REQUIRE(region.pin_pages(3) == ASHMEM_WAS_PURGED);
    CHECK(region.fdinfo_number("unpinned") == 2 * page_size());
    CHECK(region.fdinfo_number("purged") == 2 * page_size());
    REQUIRE(region.pin(0, 0) == ASHMEM_WAS_PURGED);
    CHECK(region.fdinfo_number("unpinned") == 0);
    CHECK(region.fdinfo_number("purged") == 0);
}

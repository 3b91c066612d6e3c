// SPDX-License-Identifier: Apache-2.0
// SET_SIZE and GET_SIZE.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <limits>

#include "support/region.hpp"

using namespace test;

TEST_CASE("a new region has size 0", "[device][size]") {
    CHECK(Region().size() == 0);
}

TEST_CASE("a size is kept to the byte, unaligned or not", "[device][size]") {
    Region region;
    for (std::size_t size : {std::size_t{1}, page_size() - 1, page_size(), page_size() + 1,
                             std::size_t{1234567}, std::size_t{0x7fffffff}}) {
        CHECK(region.set_size(size) == 0);
        CHECK(region.size() == static_cast<long>(size));
    }
}

TEST_CASE("a size may go back to 0", "[device][size]") {
    Region region = Region::of_pages(1);
    CHECK(region.set_size(0) == 0);
    CHECK(region.size() == 0);
    CHECK(region.try_map(page_size()) == -EINVAL);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("GET_SIZE answers an int, as the system call does", "[device][size]") {
    Region region;
    REQUIRE(region.set_size(std::size_t{5} << 30) == 0);
    CHECK(region.size() == 1 << 30);
    REQUIRE(region.set_size((std::size_t{4} << 30) + page_size()) == 0);
    CHECK(region.size() == static_cast<long>(page_size()));
}
#endif

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("fdinfo tells the sizes that GET_SIZE can't", "[device][size][fdinfo]") {
    Region region;
    for (std::uint64_t size : {std::uint64_t{5} << 30, (std::uint64_t{4} << 30) + page_size()}) {
        REQUIRE(region.set_size(size) == 0);
        CHECK(region.fdinfo_number("size") == size);
    }
}
#endif

TEST_CASE("SET_SIZE takes any value", "[device][size]") {
    Region region;
    CHECK(region.set_size(std::numeric_limits<std::size_t>::max()) == 0);
    CHECK(region.set_size(std::numeric_limits<std::size_t>::max() / 2) == 0);
    CHECK(region.set_size(1) == 0);
}

TEST_CASE("SET_SIZE after the first map is EINVAL, the same size too", "[device][size]") {
    Region region = Region::of_pages(2);
    Map map = region.map_pages(1);
    CHECK(region.set_size(page_size()) == -EINVAL);
    CHECK(region.set_size(2 * page_size()) == -EINVAL);
    CHECK(region.size() == static_cast<long>(2 * page_size()));
}

TEST_CASE("SET_SIZE stays EINVAL after all maps are gone", "[device][size]") {
    Region region = Region::of_pages(1);
    region.map_pages(1).unmap();
    CHECK(region.set_size(1) == -EINVAL);
}

TEST_CASE("a private map freezes the size too", "[device][size]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.try_map(page_size(), rw, MAP_PRIVATE) == 0);
    CHECK(region.set_size(1) == -EINVAL);
}

TEST_CASE("a map that fails freezes neither name nor size", "[device][size]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.try_map(2 * page_size()) == -EINVAL);
    REQUIRE(region.set_mask(PROT_READ) == 0);
    REQUIRE(region.try_map(page_size(), rw) == -EPERM);
    CHECK(region.set_size(2 * page_size()) == 0);
    CHECK(region.set_name("still open") == 0);
}

TEST_CASE("a read-only descriptor sets a size but cannot map for writing", "[device][size]") {
    Region region(O_RDONLY | O_CLOEXEC);
    CHECK(region.set_size(page_size()) == 0);
    CHECK(region.try_map(page_size(), rw) == -EACCES);
    CHECK(region.try_map(page_size(), PROT_READ) == 0);
}

TEST_CASE("a write-only descriptor cannot map", "[device][size]") {
    Region region(O_WRONLY | O_CLOEXEC);
    CHECK(region.set_size(page_size()) == 0);
    CHECK(region.try_map(page_size(), PROT_WRITE) == -EACCES);
    char byte = 0;
    CHECK(outcome(read(region.fd(), &byte, 1)) == -EBADF);
}

#ifdef __LP64__ // 32-bit programs have no such sizes
TEST_CASE("a size near the top of the address space cannot be mapped", "[device][size]") {
    const auto top = std::numeric_limits<std::size_t>::max();
    for (std::size_t size : {top, top - 1, top - page_size() + 2}) {
        Region region;
        REQUIRE(region.set_size(size) == 0);
        CHECK(region.try_map(page_size()) == -EINVAL);
        CHECK(region.set_size(page_size()) == 0);
    }
}

TEST_CASE("a size that no file can have is EINVAL at the first map", "[device][size]") {
    Region region;
    REQUIRE(region.set_size(std::size_t{1} << 63) == 0);
    CHECK(region.try_map(page_size()) == -EINVAL);
    CHECK(region.set_size(page_size()) == 0);
    CHECK(region.try_map(page_size()) == 0);
}

TEST_CASE("a size beyond the machine's memory is ENOMEM at the first map", "[device][size]") {
    Region region;
    REQUIRE(region.set_size(std::size_t{1} << 40) == 0);
    CHECK(region.try_map(page_size()) == -ENOMEM);
    CHECK(region.set_size(page_size()) == 0);
}

TEST_CASE("MAP_NORESERVE at the first map leaves a huge size uncharged", "[device][size]") {
    Region region;
    REQUIRE(region.set_size(std::size_t{1} << 40) == 0);
    CHECK(region.try_map(page_size(), rw, MAP_SHARED | MAP_NORESERVE) == 0);
    CHECK(region.try_map(page_size()) == 0);
}
#endif

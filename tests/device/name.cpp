// SPDX-License-Identifier: Apache-2.0
// SET_NAME and GET_NAME, and where a name shows.
#include <catch2/catch.hpp>
#include <cstring>

#include "support/region.hpp"

using namespace test;

TEST_CASE("a region without a name answers dev/ashmem", "[device][name]") {
    CHECK(Region().name() == "dev/ashmem");
}

TEST_CASE("a name is given back as it was set", "[device][name]") {
    Region region;
    CHECK(region.set_name("camera buffer") == 0);
    CHECK(region.name() == "camera buffer");
}

TEST_CASE("a name may be set again before the first map", "[device][name]") {
    Region region;
    CHECK(region.set_name("a longer first name") == 0);
    CHECK(region.set_name("second") == 0);
    CHECK(region.name() == "second");
}

TEST_CASE("an empty name goes back to the default", "[device][name]") {
    Region region;
    REQUIRE(region.set_name("x") == 0);
    CHECK(region.set_name("") == 0);
    CHECK(region.name() == "dev/ashmem");
}

TEST_CASE("a name of 255 bytes is kept whole", "[device][name]") {
    Region region;
    const std::string name(255, 'n');
    CHECK(region.set_name(name.c_str()) == 0);
    CHECK(region.name() == name);
}

TEST_CASE("a name of 256 bytes and more is cut at 255", "[device][name]") {
    for (std::size_t length : {256U, 257U, 1000U, 5000U}) {
        Region region;
        CHECK(region.set_name(std::string(length, 'n').c_str()) == 0);
        CHECK(region.name() == std::string(255, 'n'));
    }
}

TEST_CASE("a name without a NUL in its 256 bytes is cut at 255", "[device][name]") {
    Region region;
    EdgePage edge;
    char* name = edge.last(ASHMEM_NAME_LEN);
    std::memset(name, 'u', ASHMEM_NAME_LEN);
    CHECK(region.set_name(name) == 0);
    CHECK(region.name() == std::string(255, 'u'));
}

TEST_CASE("any byte may stand in a name", "[device][name]") {
    std::string name;
    for (int byte = 1; byte <= 255; ++byte)
        name += static_cast<char>(byte);
    Region region;
    CHECK(region.set_name(name.c_str()) == 0);
    CHECK(region.name() == name);
}

TEST_CASE("a name that ends right before an unmapped page is fine", "[device][name]") {
    Region region;
    EdgePage edge;
    char* name = edge.last(4);
    std::memcpy(name, "end", 4);
    CHECK(region.set_name(name) == 0);
    CHECK(region.name() == "end");
}

TEST_CASE("a name that runs into an unmapped page is EFAULT and the old one stays",
          "[device][name]") {
    Region region;
    REQUIRE(region.set_name("old") == 0);
    EdgePage edge;
    char* name = edge.last(3);
    std::memcpy(name, "new", 3); // NOLINT(bugprone-not-null-terminated-result): on purpose
    CHECK(region.set_name(name) == -EFAULT);
    CHECK(region.name() == "old");
}

TEST_CASE("SET_NAME with a bad pointer is EFAULT", "[device][name]") {
    Region region;
    CHECK(region.set_name(nullptr) == -EFAULT);
    CHECK(region.ioctl(ASHMEM_SET_NAME, ~0UL) == -EFAULT);
}

TEST_CASE("SET_NAME after the first map is EINVAL", "[device][name]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_name("first") == 0);
    region.map_pages(1).unmap();
    CHECK(region.set_name("second") == -EINVAL);
    CHECK(region.set_name("first") == -EINVAL);
    CHECK(region.name() == "first");
}

TEST_CASE("SET_NAME with a bad pointer after the first map is EFAULT", "[device][name]") {
    Region region = Region::of_pages(1);
    region.map_pages(1).unmap();
    CHECK(region.set_name(nullptr) == -EFAULT);
}

TEST_CASE("GET_NAME with a bad pointer is EFAULT", "[device][name]") {
    Region region;
    CHECK(region.ioctl(ASHMEM_GET_NAME) == -EFAULT);
}

TEST_CASE("GET_NAME into a buffer that ends too early is EFAULT", "[device][name]") {
    Region region;
    REQUIRE(region.set_name("12345678") == 0);
    EdgePage edge;
    CHECK(region.ioctl(ASHMEM_GET_NAME, edge.last(8)) == -EFAULT);
    CHECK(region.ioctl(ASHMEM_GET_NAME, edge.last(9)) == 0);
}

TEST_CASE("GET_NAME writes nothing beyond the NUL", "[device][name]") {
    for (const char* name : {"", "n", "a name"}) {
        Region region;
        REQUIRE(region.set_name(name) == 0);
        char buffer[ASHMEM_NAME_LEN];
        std::memset(buffer, 0x5a, sizeof(buffer));
        REQUIRE(region.ioctl(ASHMEM_GET_NAME, buffer) == 0);
        for (std::size_t i = std::strlen(buffer) + 1; i < sizeof(buffer); ++i)
            REQUIRE(buffer[i] == 0x5a);
    }
}

TEST_CASE("a shorter name leaves nothing of a longer one", "[device][name]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_name("a long secret name") == 0);
    REQUIRE(region.set_name("b") == 0);
    CHECK(region.name() == "b");
    const std::string line = region.map_pages(1).maps_line();
    CHECK(line.find("/dev/ashmem/b (deleted)") != std::string::npos);
}

TEST_CASE("maps shows /dev/ashmem/NAME (deleted)", "[device][name]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_name("in maps") == 0);
    const std::string line = region.map_pages(1).maps_line();
    CHECK_THAT(line, Catch::EndsWith(" /dev/ashmem/in maps (deleted)"));
}

TEST_CASE("maps shows /dev/ashmem (deleted) for a region without a name", "[device][name]") {
    Region region = Region::of_pages(1);
    CHECK_THAT(region.map_pages(1).maps_line(), Catch::EndsWith(" /dev/ashmem (deleted)"));
}

TEST_CASE("maps shows a name of 255 bytes whole", "[device][name]") {
    Region region = Region::of_pages(1);
    const std::string name(255, 'w');
    REQUIRE(region.set_name(name.c_str()) == 0);
    CHECK_THAT(region.map_pages(1).maps_line(),
               Catch::EndsWith(" /dev/ashmem/" + name + " (deleted)"));
}

TEST_CASE("a name with slashes is a name and no path", "[device][name]") {
    Region region = Region::of_pages(1);
    REQUIRE(region.set_name("../../etc/passwd") == 0);
    CHECK_THAT(region.map_pages(1).maps_line(),
               Catch::EndsWith(" /dev/ashmem/../../etc/passwd (deleted)"));
}

// SPDX-License-Identifier: Apache-2.0
// The text of /proc in which a region's size stands beside its name, which may be anything.
#include <catch2/catch.hpp>
#include <optional>

#include "../../libashmem/src/backend/find_number.hpp"

namespace {

std::optional<std::uint64_t> size_in(const char* text) {
    std::uint64_t size = 0;
    if (!ashmem::find_number(text, "size:", size)) return {};
    return size;
}

} // namespace

TEST_CASE("a size is one number on one line", "[library][host]") {
    CHECK(size_in("pos:\t0\nname:\tx\nsize:\t4294971392\nprot_mask:\t7\n") == 4294971392U);
    CHECK(size_in("size: 18446744073709551615\n") == UINT64_MAX);
    for (const char* const text :
         {"", "pos:\t0\n", "size:\n", "size:\t\n", "size:\t-1\n", "size:\t1x\n", "size:\t0x10\n",
          "size:\t12", "a size:\t12\n", "size:\t18446744073709551616\n"}) {
        INFO(text);
        CHECK_FALSE(size_in(text));
    }
}

TEST_CASE("a size that stands twice is none, for one of the two may be a name's",
          "[library][host]") {
    CHECK_FALSE(size_in("name:\tx\nsize:\t999\nsize:\t1000\n"));
    CHECK_FALSE(size_in("size:\t1000\nname:\tx\nsize:\t1000\n"));
    CHECK_FALSE(size_in("size:\tx\nsize:\t1000\n"));
}

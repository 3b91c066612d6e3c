// SPDX-License-Identifier: Apache-2.0
// What sources for Android expect to come with a header.
#include <binder/IMemory.h>

// before any other header can have brought it
static void* const no_map = MAP_FAILED;

#include <catch2/catch.hpp>

TEST_CASE("IMemory.h brings MAP_FAILED, as Android's does", "[library][host]") {
    CHECK(no_map == reinterpret_cast<void*>(-1));
}

// SPDX-License-Identifier: Apache-2.0
// How often it is looked for what has ended among the objects that others may call.
#include <catch2/catch.hpp>
#include <map>

#include "../libashmem/src/binder/sweep.hpp"

using ashmem::binder::Sweep;

namespace {

// Elements by their numbers, of which those below a limit have ended.
struct Numbers {
    std::map<int, int> all;
    Sweep sweep;
    int looked_at = 0;

    void add(int number, int ended_below) {
        sweep(all, [&](const auto& one) {
            ++looked_at;
            return one.first < ended_below;
        });
        all[number] = number;
    }
};

} // namespace

TEST_CASE("a new object costs the same, however many there are", "[library][host]") {
    constexpr int count = 100000;
    Numbers numbers;
    for (int i = 0; i < count; ++i)
        numbers.add(i, 0);
    CHECK(numbers.all.size() == count);
    CHECK(numbers.looked_at <= 2 * count);
}

TEST_CASE("objects that ended are forgotten, however many come after", "[library][host]") {
    constexpr int alive = 100, count = 100000;
    Numbers numbers;
    int most = 0;
    for (int i = 0; i < count; ++i) {
        numbers.add(i, i - alive);
        most = std::max(most, static_cast<int>(numbers.all.size()));
    }
    CHECK(most <= 2 * (alive + 1));
    CHECK(numbers.looked_at <= 4 * count);
}

// SPDX-License-Identifier: Apache-2.0
// PIN and UNPIN of a page among very many single pages that are unpinned.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "memory.hpp"
#include "report.hpp"

namespace costs {
namespace {

constexpr int batches = 9;
constexpr int rounds = 300;

// A driver whose cost grows with the number is not measured where that would take minutes.
constexpr double most_instructions = 2e10;

double among(std::size_t count, std::mt19937& random) {
    const auto region = test::Region::of_pages(2 * count);
    const int fd = region.fd();
    // the first map makes the file
    region.map_pages(1).unmap();
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t i : order)
        pin_call(fd, ASHMEM_UNPIN, 2 * i, 1);

    std::uniform_int_distribution<std::size_t> any(0, count - 1);
    std::vector<std::size_t> drawn(std::size_t{batches} * (rounds + rounds / 4));
    std::generate(drawn.begin(), drawn.end(), [&] { return any(random); });
    auto next = drawn.begin();
    return cost({batches, rounds / 4, rounds}, [&] {
        pin_call(fd, ASHMEM_PIN, 2 * *next, 1);
        pin_call(fd, ASHMEM_UNPIN, 2 * *next++, 1);
    });
}

} // namespace

void ask_ranges(Report& report) {
    std::mt19937 random(1);
    double first = 0, last = 0;
    std::optional<double> growth;
    for (const std::size_t count : {100, 1'000, 10'000, 100'000}) {
        const std::string number = std::to_string(count);
        std::optional<double> ours;
        if (10 * last * static_cast<double>(count) < most_instructions)
            last = *(ours = among(count, random));
        growth.reset();
        if (first == 0) first = last;
        if (ours) growth = last / first;
        report.add({"among_" + number, "PIN and UNPIN of one page of " + number + " unpinned", ours,
                    std::nullopt});
    }
    report.add({"among_growth", "100000 ranges to 100", growth, std::nullopt, "times"});
}

} // namespace costs

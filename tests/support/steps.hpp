// SPDX-License-Identifier: Apache-2.0
// Memory taken in steps of 1 MiB, and what each step cost a region.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/region.hpp"

namespace test {

inline constexpr std::size_t mib = std::size_t{1} << 20;

// Touches anonymous memory that stays until the process ends, in small pages. Returns 0,
// or 1 if there was none.
int touch(std::size_t bytes);

struct Steps {
    // the bytes of the region that each step purged, up to the last one that ended
    std::vector<std::uint64_t> purged;
    // how the process ended that took the memory, as in_child
    int ended = -1;

    [[nodiscard]] std::uint64_t total() const;
    [[nodiscard]] std::uint64_t largest() const;
    // of the steps that purged anything; 0 if none did
    [[nodiscard]] std::uint64_t median() const;
    [[nodiscard]] std::string text() const;
};

// Takes memory in a child, which first prepares, until so much of a region was purged
// or so many steps were done. The child is the first to be killed if memory runs out.
Steps take_in_steps(
    const Region& region, std::uint64_t enough, int most,
    const std::function<void()>& prepare = [] {});

} // namespace test

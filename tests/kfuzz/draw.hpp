// SPDX-License-Identifier: Apache-2.0
// Draws steps and changes programs.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "kfuzz/step.hpp"

namespace kfuzz {

class Draw {
public:
    explicit Draw(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    // A program by itself, with regions that are sized and mapped.
    Program fresh();
    // One of these with steps added, removed, changed, moved, or taken over from another.
    Program mutant(const std::vector<Program>& from);

private:
    bool once_in(std::uint64_t times) { return below(times) == 0; }
    template <typename... Values>
    std::uint64_t one_of(Values... values) {
        const std::uint64_t all[] = {static_cast<std::uint64_t>(values)...};
        return all[below(sizeof...(values))];
    }

    Step step(int actor);
    void draw_values(Step& step);
    void change(Step& step);
    void mutate(Program& program, const std::vector<Program>& from);
    void furnish(Program& program, int actor, int region);

    std::uint64_t bytes(std::uint64_t most_pages);
    std::uint64_t size();
    std::uint64_t prot() { return one_of(3, 3, 3, 3, 1, 2, 0, 7, 5, 4, 6); }

    std::mt19937_64 random_;
};

} // namespace kfuzz

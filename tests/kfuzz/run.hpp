// SPDX-License-Identifier: Apache-2.0
// Runs programs under a limit of memory, and says what is wrong with one.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kfuzz/coverage.hpp"
#include "kfuzz/step.hpp"
#include "kfuzz/team.hpp"
#include "kfuzz/world.hpp"
#include "support/cgroup.hpp"

namespace kfuzz {

struct Outcome {
    std::string complaint; // "" if all was well
    Places places;
};

class Runner {
public:
    Runner();
    Outcome run(const Program& program);

private:
    std::string run_by_team(const Program& program);
    [[nodiscard]] std::uint64_t kills() const;

    World& world_;
    // of the processes: what one unpins in a region of both is purged at its own limit
    std::array<test::Cgroup, 2> groups_;
    std::vector<std::unique_ptr<Kcov>> kcovs_; // by actor
    std::unique_ptr<Team> team_;
    int programs_of_team_ = 0;
};

} // namespace kfuzz

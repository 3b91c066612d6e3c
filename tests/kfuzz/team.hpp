// SPDX-License-Identifier: Apache-2.0
// The processes that run programs, one program after the other: to start a process for each
// would take longer than most programs do.
#pragma once

#include <semaphore.h>
#include <sys/types.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kfuzz/coverage.hpp"
#include "kfuzz/slots.hpp"
#include "kfuzz/step.hpp"
#include "kfuzz/world.hpp"

namespace kfuzz {

// In memory that all processes share.
struct Board {
    std::size_t steps;
    std::array<Step, most_steps> program;
    std::array<sem_t, most_actors> begin; // an actor may begin
    sem_t lead;                           // the first process may
    sem_t done;                           // posted by each actor
    std::array<bool, most_actors> there;  // which actors the program has
};

class Team {
public:
    // groups: folders of the processes' memory cgroups. kcovs: by actor
    Team(World& world, std::array<std::string, 2> groups,
         const std::vector<std::unique_ptr<Kcov>>& kcovs);
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team();

    enum class End { well, died, hung };
    End run(const Program& program);
    // how the process ended that died first, as wait() tells it
    [[nodiscard]] int status() const { return status_; }
    void print_stacks() const;

private:
    pid_t start(void (Team::*work)());
    [[noreturn]] void leader();
    [[noreturn]] void other();
    void actor_thread(int number, Slots& slots);
    void act(int number, Slots& slots, bool check);
    void one_program(Slots& slots);
    [[nodiscard]] Program program() const;

    World& world_;
    std::array<std::string, 2> groups_;
    const std::vector<std::unique_ptr<Kcov>>& kcovs_;
    Board& board_;
    std::array<int, 2> sockets_{};
    int finished_; // an eventfd
    std::array<pid_t, 2> processes_{};
    std::array<int, 2> ends_{}; // pidfds
    int status_ = 0;
};

} // namespace kfuzz

// SPDX-License-Identifier: Apache-2.0
// A program may end the processes that run it, if it sets a limit of memory.
#include "kfuzz/run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/process.hpp"

namespace kfuzz {
namespace {

constexpr auto usual_limit = "67108864";

// The end of a process is a step too, which ends maps and descriptors.
constexpr int programs_of_a_team = 40;

} // namespace

Runner::Runner()
    : world_(World::make()),
      groups_{test::Cgroup("kfuzz-" + std::to_string(getpid())),
              test::Cgroup("kfuzz-other-" + std::to_string(getpid()))} {
    for (int actor = 0; actor < most_actors; ++actor)
        kcovs_.push_back(std::make_unique<Kcov>());
    // To move each program into the group would take longer than to run it. Only programs
    // are killed at its limit.
    test::write_file("/proc/self/oom_score_adj", "-1000");
    groups_[0].join();
}

std::uint64_t Runner::kills() const {
    return groups_[0].key("memory.events", "oom_kill") +
           groups_[1].key("memory.events", "oom_kill");
}

// What went wrong with the processes, or "".
std::string Runner::run_by_team(const Program& program) {
    if (!team_ || ++programs_of_team_ > programs_of_a_team) {
        team_.reset();
        team_ = std::make_unique<Team>(world_, std::array{groups_[0].path(), groups_[1].path()},
                                       kcovs_);
        programs_of_team_ = 0;
    }
    const auto killed_before = kills();
    const auto end = team_->run(program);
    if (end == Team::End::well) return "";
    if (end == Team::End::hung) {
        team_->print_stacks();
        return "it hangs";
    }
    const int status = team_->status();
    team_.reset();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && kills() > killed_before) return "";
    return "a process ended with status " + std::to_string(status);
}

Outcome Runner::run(const Program& program) {
    world_.reset();
    for (const auto& kcov : kcovs_)
        kcov->empty();
    for (const test::Cgroup& group : groups_) {
        group.set("memory.max", usual_limit);
        group.set("memory.high", "max");
    }
    Outcome outcome{run_by_team(program), {}};
    if (outcome.complaint.empty()) outcome.complaint = world_.complaint();
    for (const auto& kcov : kcovs_)
        kcov->add_to(outcome.places);
    return outcome;
}

} // namespace kfuzz

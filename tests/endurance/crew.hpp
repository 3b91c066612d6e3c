// SPDX-License-Identifier: Apache-2.0
// Processes that together want more memory than there is, in memory cgroups at their limits
// and outside, and a watch over them.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <string>
#include <utility>

#include "pieces.hpp"
#include "support/cgroup.hpp"
#include "support/process.hpp"

namespace endurance {

// Where processes work: a cgroup with a limit, or the whole machine.
struct Place {
    std::string name;
    std::uint64_t limit; // bytes
    bool limited;
    bool swaps;
};

class Crew {
public:
    static constexpr std::size_t most = 8;

    Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew();

    // Lets them work for so long, and looks at all of them ten times a second.
    void work(int seconds);

    struct Sum {
        std::uint64_t steps = 0, unpinned = 0, purged = 0, kept = 0, lost = 0, refused = 0;
    };
    [[nodiscard]] Sum sum() const;
    // a place in which nothing was purged, or nothing was kept; "" if there is none
    [[nodiscard]] std::string idle_place() const;
    // what was killed for want of memory
    [[nodiscard]] std::uint64_t killed() const;
    // the most looks in a row in which one process had done no step, and which one
    [[nodiscard]] unsigned longest_rest() const { return longest_rest_; }
    [[nodiscard]] const std::string& longest_rester() const { return rester_; }
    // those that ended before their time
    [[nodiscard]] unsigned ended() const { return ended_; }

private:
    struct Member {
        Member(Place where, std::size_t index, const std::function<int()>& work)
            : place(std::move(where)), number(index), process(work) {}
        Place place;
        std::size_t number;
        test::Child process;
        std::uint64_t steps = 0; // at the last look
        unsigned rest = 0;       // looks since
    };
    struct Shared {
        std::array<Progress, most> progress;
        std::atomic<bool> stop;
    };

    void start(const Place& place, std::size_t bytes, std::size_t pinned);
    void start_hog();
    void look();

    Shared& shared_;
    std::uint64_t kills_before_;
    std::list<test::Cgroup> groups_;
    std::list<Member> members_;
    unsigned longest_rest_ = 0;
    unsigned ended_ = 0;
    std::string rester_ = "none";
};

} // namespace endurance

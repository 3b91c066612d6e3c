// SPDX-License-Identifier: Apache-2.0
// ashmem-endurance: small memory, many who want it, for a long time. A program of its own,
// for a guest of 128 MiB has no room for all tests.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "crew.hpp"

namespace {

// looks in a row, of which there are ten a second
constexpr unsigned longest_rest = 50;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

class Claims {
public:
    explicit Claims(int count) { std::cout << "1.." << count << std::endl; }
    void claim(bool holds, const std::string& what, const std::string& seen) {
        all_ = all_ && holds;
        std::cout << (holds ? "ok " : "not ok ") << ++number_ << " - " << what << '\n'
                  << "# " << seen << std::endl;
    }
    [[nodiscard]] int status() const { return all_ ? 0 : 1; }

private:
    int number_ = 0;
    bool all_ = true;
};

std::string times(std::uint64_t count, const char* what) {
    return std::to_string(count) + " " + what;
}

int endure(int seconds) {
    const std::uint64_t swapped_before = test::vmstat("pswpout");
    endurance::Crew crew;
    Claims claims(6);
    std::cout << "# run 1 - " << seconds << " s of pressure" << std::endl;
    crew.work(seconds);
    const auto sum = crew.sum();
    claims.claim(sum.lost == 0, "no page that was pinned or kept lost a byte",
                 times(sum.lost, "of ") + times(sum.steps, "steps"));
    claims.claim(crew.killed() == 0 && crew.ended() == 0, "nobody was killed for want of memory",
                 times(crew.killed(), "killed, ") + times(crew.ended(), "ended early"));
    claims.claim(
        crew.longest_rest() < longest_rest, "nobody was stuck for 5 s",
        times(crew.longest_rest(), "tenths of a second at most: ") + crew.longest_rester());
    claims.claim(sum.refused == 0, "no call failed", times(sum.refused, "failed"));
    const std::string idle = crew.idle_place();
    claims.claim(idle.empty(), "in each place some was purged and some was kept",
                 idle.empty() ? times(sum.purged, "pieces purged, ") + times(sum.kept, "kept")
                              : "not in " + idle);
    const std::uint64_t swapped = test::vmstat("pswpout") - swapped_before;
    claims.claim(swapped > 0, "swap was in use", times(swapped, "pages written to swap"));
    std::cout << "# " << sum.unpinned / mib << " MiB unpinned in " << seconds
              << " s, of a machine of " << test::meminfo("MemTotal") / mib << " MiB: " << sum.purged
              << " pieces purged, " << sum.kept << " kept, " << sum.lost << " pages lost"
              << std::endl;
    return claims.status();
}

} // namespace

int main(int argc, char* argv[]) {
    char* end = nullptr;
    const long seconds = argc == 2 ? std::strtol(argv[1], &end, 10) : 0;
    if (seconds < 1 || seconds > 86'400 || *end != '\0') {
        std::cerr << "usage: ashmem-endurance SECONDS\n";
        return 2;
    }
    try {
        return endure(static_cast<int>(seconds));
    } catch (const std::exception& error) {
        std::cerr << "ashmem-endurance: " << error.what() << '\n';
        return 2;
    }
}

// SPDX-License-Identifier: Apache-2.0
// ashmem-kfuzz: random programs of calls to the driver, guided by which of its code they ran.
//
//   ashmem-kfuzz fuzz SEED SECONDS FILE      FILE: programs to begin with, one a line
//   ashmem-kfuzz play FILE TIMES             the last program of the file
//
// Prints each program before it runs, as "run N: PROGRAM", so that the log of a guest that
// dies ends with the program that killed it. "keep: PROGRAM" is one that reached new code.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "kfuzz/draw.hpp"
#include "kfuzz/run.hpp"

namespace {

using namespace kfuzz;

std::vector<Program> read_programs(const char* path) {
    std::vector<Program> programs;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (Program program = parse(line); !program.empty()) programs.push_back(std::move(program));
    return programs;
}

class Fuzzer {
public:
    explicit Fuzzer(std::uint64_t seed) : seed_(seed) {}

    // Whether all was well.
    bool fuzz(std::chrono::seconds time, const std::vector<Program>& first);
    bool play(const Program& program, int times);

    [[nodiscard]] std::string summary() const {
        return std::to_string(count_) + " programs, " + std::to_string(places_.size()) +
               " PCs covered, " + std::to_string(kept_.size()) + " programs kept";
    }

private:
    // Runs a program; whether it was well. new_places: what it reached first
    bool attempt(const Program& program, Places* new_places = nullptr);
    void keep(Program program, const Places& reached);
    void report();

    std::uint64_t seed_;
    std::uint64_t count_ = 0;
    Runner runner_;
    Places places_;
    std::vector<Program> kept_;
    std::chrono::steady_clock::time_point reported_;
};

bool Fuzzer::attempt(const Program& program, Places* new_places) {
    std::cout << "run " << ++count_ << ": " + to_text(program) + "\n" << std::flush;
    const Outcome outcome = runner_.run(program);
    if (!outcome.complaint.empty()) {
        std::cout << "# program " << count_ << ": " << outcome.complaint << std::endl;
        return false;
    }
    if (new_places != nullptr)
        for (const auto place : outcome.places)
            if (!places_.contains(place)) new_places->insert(place);
    return true;
}

// Without the steps that are not needed to reach the places.
void Fuzzer::keep(Program program, const Places& reached) {
    for (auto i = program.size(); i-- > 0;) {
        Program shorter = program;
        shorter.erase(shorter.begin() + static_cast<long>(i));
        Places places;
        if (!attempt(shorter, &places)) break;
        if (std::ranges::includes(places, reached)) program = std::move(shorter);
    }
    places_.insert(reached.begin(), reached.end());
    std::cout << "keep: " + to_text(program) + "\n" << std::flush;
    kept_.push_back(std::move(program));
}

void Fuzzer::report() {
    const auto now = std::chrono::steady_clock::now();
    if (now - reported_ < std::chrono::seconds(15)) return;
    reported_ = now;
    std::cout << "# " + summary() + "\n" << std::flush;
}

bool Fuzzer::fuzz(std::chrono::seconds time, const std::vector<Program>& first) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (const Program& program : first) {
        Places reached;
        if (!attempt(program, &reached)) return false;
        if (reached.empty()) continue;
        places_.insert(reached.begin(), reached.end());
        kept_.push_back(program);
        std::cout << "keep: " + to_text(program) + "\n" << std::flush;
    }
    for (std::uint64_t i = 0; std::chrono::steady_clock::now() < end; ++i) {
        const Program program = Draw(seed_ + i).mutant(kept_);
        Places reached;
        if (!attempt(program, &reached)) return false;
        if (!reached.empty()) keep(program, reached);
        report();
    }
    return true;
}

bool Fuzzer::play(const Program& program, int times) {
    for (int i = 0; i < times; ++i) {
        Places reached;
        if (!attempt(program, &reached)) return false;
        places_.insert(reached.begin(), reached.end());
    }
    return true;
}

int usage() {
    std::cerr << "usage: ashmem-kfuzz fuzz SEED SECONDS FILE | play FILE TIMES\n";
    return 2;
}

} // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3) return usage();
    const bool fuzzing = words[0] == "fuzz" && words.size() == 4;
    if (!fuzzing && words[0] != "play") return usage();
    Fuzzer fuzzer(fuzzing ? std::stoull(words[1]) : 0);
    std::cout << "1..1" << std::endl;
    bool well = false;
    if (fuzzing) {
        well =
            fuzzer.fuzz(std::chrono::seconds(std::stoi(words[2])), read_programs(words[3].c_str()));
    } else {
        const auto programs = read_programs(words[1].c_str());
        if (programs.empty()) return usage();
        well = fuzzer.play(programs.back(), std::stoi(words[2]));
    }
    std::cout << (well ? "ok" : "not ok") << " 1 - " << fuzzer.summary() << std::endl;
    return well ? 0 : 1;
} catch (const std::exception& problem) {
    std::cerr << "ashmem-kfuzz: " << problem.what() << "\n";
    return 2;
}

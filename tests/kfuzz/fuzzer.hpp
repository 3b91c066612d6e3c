// SPDX-License-Identifier: Apache-2.0
// Draws programs, keeps those that reach new code of the driver, and stops at the first that
// goes wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "kfuzz/coverage.hpp"
#include "kfuzz/kernel_log.hpp"
#include "kfuzz/run.hpp"
#include "kfuzz/step.hpp"

namespace kfuzz {

class Fuzzer {
public:
    // signs: file for KernelLog
    explicit Fuzzer(const char* signs) : log_(signs) {}

    // Each returns whether all was well.
    bool fuzz(std::uint64_t seed, std::chrono::seconds time, const std::vector<Program>& first);
    bool play(const std::vector<Program>& programs, int times);

    // Programs that reach together what was reached.
    [[nodiscard]] std::vector<Program> cover() const;
    [[nodiscard]] std::string summary() const;

private:
    using Clock = std::chrono::steady_clock;
    struct Kept {
        Program program;
        Places places;
    };

    // Runs a program; whether it was well.
    bool attempt(const Program& program, Places& reached);
    // The same, and keeps it if it reaches what none did before.
    bool attempt_and_keep(const Program& program, bool is_minimal);
    bool minimize(Program& program, Places& reached, const Places& needed);
    void report();

    Runner runner_;
    KernelLog log_;
    std::uint64_t count_ = 0;
    Places places_;
    std::vector<Kept> kept_;
    std::vector<Program> programs_; // of kept_
    Clock::time_point start_ = Clock::now();
    Clock::time_point reported_;
};

} // namespace kfuzz

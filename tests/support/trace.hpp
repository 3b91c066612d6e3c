// SPDX-License-Identifier: Apache-2.0
// Calls of the driver's shrinker by reclaim, from the kernel's tracepoints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace test {

// Records from its making on. A kernel without these tracepoints is an error.
class ShrinkerTrace {
public:
    ShrinkerTrace();
    ShrinkerTrace(const ShrinkerTrace&) = delete;
    ShrinkerTrace& operator=(const ShrinkerTrace&) = delete;
    ~ShrinkerTrace();

    // the seconds of each time that reclaim came to the shrinker, up to now
    [[nodiscard]] std::vector<double> calls() const;
    // the pages that the shrinker said it could free, each time, up to now
    [[nodiscard]] std::vector<std::uint64_t> offers() const;

private:
    static void record(bool on);
};

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// What was measured: figures, each of a subject that does one thing, beside its peers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// A row of a question's table has a figure of each subject. x orders the rows of one series
// for the curves: bytes, ranges, threads, megabytes of pressure.
struct Figure {
    std::string question; // its letter
    std::string row;      // what is done, for people
    std::string subject;  // who does it: "ashmem", "memfd", "pipe" ...
    double value;
    std::string unit; // "instructions", "ns", "MiB/s", "bytes", "locks" ...
    std::uint64_t x = 0;
};

class Report {
public:
    void add(Figure figure);
    // an object with the kernel's release and an array in which each line is a figure
    void write_json(const std::string& path) const;

private:
    std::vector<Figure> all_;
};

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// What was measured, in the order in which it was.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure.hpp"

namespace costs {

struct Cost {
    std::string key;            // a word that stays, for machines
    std::string what;           // for people
    std::optional<double> ours; // nothing: measuring this driver would take too long
    std::optional<double> peer; // the same by memfd, where there is such a thing
    std::string unit = "instructions";
};

class Report {
public:
    void add(const char* key, const char* what, double ours);
    void add(const char* key, const char* what, const Pair& pair);
    void add(Cost cost);

    // as JSON: an object with an array in which each line is an object
    void write_json(const std::string& path) const;

private:
    std::vector<Cost> all_;
};

void ask_calls(Report& report);  // calls.cpp
void ask_ranges(Report& report); // ranges.cpp
void ask_opens(Report& report);  // lives.cpp
void ask_lives(Report& report);
void ask_purges(Report& report); // purges.cpp
void ask_reclaim(Report& report);
void ask_slabs(Report& report); // slabs.cpp

} // namespace costs

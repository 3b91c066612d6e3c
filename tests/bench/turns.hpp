// SPDX-License-Identifier: Apache-2.0
// Subjects of one row take turns, so that what changes meanwhile changes for all; each
// gets the middle of its samples.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "conditions.hpp"
#include "costs/measure.hpp"
#include "report.hpp"

namespace bench {

// what a figure is of, but for its subject
struct Row {
    std::string question;
    std::string what;
    std::string unit = clock_unit();
    std::uint64_t x = 0;
};

struct Subject {
    std::string name;
    std::function<double()> sample; // measures once
};

// the mean of many calls of work
inline std::function<double()> paced(const costs::Pace& pace, std::function<void()> work) {
    return [pace, work = std::move(work)]() mutable { return costs::batch(pace, work); };
}

inline void add(Report& report, const Row& row, const std::string& subject, double value) {
    report.add({row.question, row.what, subject, value, row.unit, row.x});
}

// The mean of the middle half. A sample that lasts for a few ticks of the clock holds one
// more or one less by chance, so that a median jumps between two values.
inline double middle(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    const auto aside = static_cast<std::ptrdiff_t>(samples.size() / 4);
    const auto first = samples.begin() + aside, end = samples.end() - aside;
    return std::accumulate(first, end, 0.0) / static_cast<double>(end - first);
}

inline void take_turns(Report& report, const Row& row, int rounds,
                       const std::vector<Subject>& subjects) {
    std::vector<std::vector<double>> samples(subjects.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < subjects.size(); ++i)
            samples[i].push_back(subjects[i].sample());
    for (std::size_t i = 0; i < subjects.size(); ++i)
        add(report, row, subjects[i].name, middle(samples[i]));
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// ashmem-costs: counts the instructions of the loaded driver's calls, compared with memfd's.
// It is meant for a guest of qemu/run --icount; see Documentation/costs.md.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "report.hpp"

namespace {

constexpr char usage[] = "usage: ashmem-costs [--json FILE] [QUESTIONS...]\nquestions:";

struct Questions {
    const char* name;
    void (*ask)(costs::Report&);
};

constexpr Questions all_questions[] = {
    {"calls", costs::ask_calls}, {"ranges", costs::ask_ranges}, {"opens", costs::ask_opens},
    {"lives", costs::ask_lives}, {"purges", costs::ask_purges}, {"reclaim", costs::ask_reclaim},
    {"slabs", costs::ask_slabs},
};

// Much starts in the kernel's first minute; sleeping takes no instructions.
constexpr unsigned settle_seconds = 60;

bool known(const std::string& name) {
    return std::any_of(std::begin(all_questions), std::end(all_questions),
                       [&](const Questions& questions) { return name == questions.name; });
}

// those that are named, all if none is
void ask(costs::Report& report, const std::vector<std::string>& names) {
    for (const auto& [name, ask] : all_questions)
        if (names.empty() || std::find(names.begin(), names.end(), name) != names.end())
            ask(report);
}

int refuse() {
    std::cerr << usage;
    for (const Questions& questions : all_questions)
        std::cerr << ' ' << questions.name;
    std::cerr << '\n';
    return 2;
}

} // namespace

int main(int argc, char* argv[]) {
    std::vector<std::string> names(argv + 1, argv + argc);
    std::string json;
    if (names.size() > 1 && names[0] == "--json") {
        json = names[1];
        names.erase(names.begin(), names.begin() + 2);
    }
    if (!std::all_of(names.begin(), names.end(), known)) return refuse();
    try {
        sleep(settle_seconds);
        costs::Report report;
        ask(report, names);
        if (!json.empty()) report.write_json(json);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "ashmem-costs: " << error.what() << '\n';
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
// ashmem-bench: measures the driver, or what this machine has instead, beside its peers.
// See Documentation/performance.md.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "conditions.hpp"
#include "questions.hpp"

namespace {

constexpr char usage[] =
    "usage: ashmem-bench [--counted] [--host | --original] [--json FILE] QUESTIONS...\n"
    "  --counted   the clock counts instructions (qemu/run --icount)\n"
    "  --host      there is no driver: leave its figures out\n"
    "  --original  the driver is the one that Linux carried: leave out what it cannot do\n"
    "questions:";

struct Question {
    const char* name;
    void (*ask)(bench::Report&);
};

constexpr Question all_questions[] = {
    {"a", bench::ask_lives},     {"b", bench::ask_faults},   {"c", bench::ask_pins},
    {"d", bench::ask_threads},   {"e", bench::ask_reclaim},  {"f", bench::ask_reads},
    {"g", bench::ask_slabs},     {"h", bench::ask_channels}, {"i", bench::ask_yields},
    {"j", bench::ask_library},   {"k", bench::ask_crowds},   {"holds", bench::ask_holds},
    {"parts", bench::ask_parts},
};

// Much starts in the kernel's first minute; where instructions are counted sleeping takes none.
constexpr unsigned settle_seconds = 60;

int refuse() {
    std::cerr << usage;
    for (const Question& question : all_questions)
        std::cerr << ' ' << question.name;
    std::cerr << '\n';
    return 2;
}

const Question* named(const std::string& name) {
    const auto* found = std::find_if(std::begin(all_questions), std::end(all_questions),
                                     [&](const Question& each) { return name == each.name; });
    return found == std::end(all_questions) ? nullptr : found;
}

void ask(const std::vector<const Question*>& questions, const std::string& json) {
    if (bench::conditions.counted) sleep(settle_seconds);
    bench::Report report;
    for (const Question* question : questions)
        question->ask(report);
    if (!json.empty()) report.write_json(json);
}

} // namespace

int main(int argc, char* argv[]) {
    std::string json;
    std::vector<const Question*> questions;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--counted")
            bench::conditions.counted = true;
        else if (word == "--host")
            bench::conditions.device = false;
        else if (word == "--original")
            bench::conditions.original = true;
        else if (word == "--json" && i + 1 < argc)
            json = argv[++i];
        else if (const Question* question = named(word))
            questions.push_back(question);
        else
            return refuse();
    }
    if (questions.empty()) return refuse();
    try {
        ask(questions, json);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "ashmem-bench: " << error.what() << '\n';
        return 1;
    }
}

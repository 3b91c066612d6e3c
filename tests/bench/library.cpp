// SPDX-License-Identifier: Apache-2.0
// What the library's calls take beside raw ones: by ashmem-costs-library, whose lines are
// read here. It runs over the driver and over memfd; and where the dynamic program and the
// preload library are, raw calls meet the preloaded device too, beside the driver.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "questions.hpp"

namespace bench {
namespace {

constexpr char program[] = "/bin/ashmem-costs-library";
constexpr char dynamic_program[] = "/bin/ashmem-costs-library.dynamic";
constexpr char preload[] = "/lib/libashmem-preload.so";

// A line of the program.
struct Cost {
    std::string what;
    double ours, raw;
};

std::string output_of(const std::string& command) {
    const auto close = [](std::FILE* file) { return pclose(file); };
    std::unique_ptr<std::FILE, decltype(close)> file(popen(command.c_str(), "re"), close);
    if (!file) throw std::runtime_error(command);
    std::string text;
    std::array<char, 4096> piece{};
    for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), file.get())) > 0;)
        text.append(piece.data(), got);
    if (pclose(file.release()) != 0) throw std::runtime_error(command + " failed");
    return text;
}

std::vector<Cost> costs_of(const std::string& command) {
    std::istringstream lines(output_of(command));
    std::vector<Cost> all;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream columns(line);
        Cost cost;
        if (std::getline(columns, cost.what, '\t') && columns >> cost.ours >> cost.raw)
            all.push_back(cost);
    }
    if (all.empty()) throw std::runtime_error(command + " said nothing");
    return all;
}

// All the library's measures, with what stands before the program in a shell.
void ask(Report& report, const std::string& command, const std::string& subject) {
    for (const auto& [what, ours, raw] : costs_of(command)) {
        report.add({"j", what, "library on " + subject, ours, "ns"});
        report.add({"j", what, "raw " + subject, raw, "ns"});
    }
}

// Calls on files that are no regions, which the preload library lets pass.
void ask_calls(Report& report, const std::string& command, const std::string& subject) {
    for (const auto& [what, ours, raw] : costs_of(command + " calls"))
        report.add({"j", what, "raw " + subject, ours, "ns"});
}

// The preload library leaves the node to the driver where there is one: it is hidden, in a
// mount namespace of the program's own.
void ask_preloaded(Report& report) {
    const std::string preloaded =
        std::string("unshare -m sh -c 'mount --bind /dev/null /dev/ashmem && LD_PRELOAD=") +
        preload + ' ' + dynamic_program;
    ask(report, preloaded + "'", "preloaded");
    ask_calls(report, dynamic_program, "ashmem");
    ask_calls(report, preloaded + " \"$@\"' sh", "preloaded");
}

} // namespace

void ask_library(Report& report) {
    if (access(program, X_OK) != 0) throw std::runtime_error(std::string("no ") + program);
    ask(report, std::string("LIBASHMEM_BACKEND=device ") + program, "ashmem");
    ask(report, std::string("LIBASHMEM_BACKEND=memfd ") + program, "memfd");
    if (access(dynamic_program, X_OK) == 0 && access(preload, R_OK) == 0) ask_preloaded(report);
}

} // namespace bench

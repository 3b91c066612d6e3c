// SPDX-License-Identifier: Apache-2.0
// Programs as text.
#include "kfuzz/step.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace kfuzz {
namespace {

constexpr std::array<std::string_view, calls> names = {
    "open",    "close",   "dup",     "pass",    "take",   "setname", "getname",
    "setsize", "getsize", "setmask", "getmask", "mmap",   "munmap",  "mprotect",
    "store",   "load",    "madvise", "read",    "pread",  "write",   "lseek",
    "pin",     "unpin",   "status",  "purge",   "fileid", "fdinfo",  "fork",
    "limit",   "high",    "reclaim", "press",   "drop",   "pause"};

bool parse_step(const std::string& line, Step& step) {
    std::istringstream words(line);
    std::string name;
    words >> std::hex >> step.actor >> name >> step.region;
    for (auto& value : step.values)
        words >> value;
    const auto* found = std::ranges::find(names, name);
    step.call = static_cast<Call>(found - names.begin());
    return words && found != names.end() && step.actor >= 0 && step.actor < most_actors &&
           step.region >= 0 && step.region < most_regions;
}

} // namespace

std::string_view name_of(Call call) {
    return names[static_cast<std::size_t>(call)];
}

std::string to_text(const Program& program) {
    std::string text;
    for (const Step& step : program) {
        std::array<char, 96> line{};
        std::snprintf(line.data(), line.size(), "%s%d %s %d %llx %llx %llx",
                      text.empty() ? "" : "; ", step.actor, name_of(step.call).data(), step.region,
                      static_cast<unsigned long long>(step.values[0]),
                      static_cast<unsigned long long>(step.values[1]),
                      static_cast<unsigned long long>(step.values[2]));
        text += line.data();
    }
    return text;
}

Program parse(std::string_view text) {
    Program program;
    std::string line;
    const auto end_step = [&] {
        if (const auto colon = line.find(": "); colon != std::string::npos)
            line.erase(0, colon + 2);
        Step step;
        if (parse_step(line, step) && program.size() < most_steps) program.push_back(step);
        line.clear();
    };
    for (const char c : text)
        if (c == '\n' || c == ';')
            end_step();
        else
            line += c;
    end_step();
    return program;
}

} // namespace kfuzz

// SPDX-License-Identifier: Apache-2.0
// Switches the shrinker's tracepoints on, and reads what each call said and took.
#include "support/trace.hpp"

#include <exception>
#include <map>
#include <string_view>
#include <utility>

#include "support/tracefs.hpp"

namespace test {
namespace {

// A line of the trace, as far as it matters:
//    comm-pid  [cpu] flags  seconds: mm_shrink_slab_start: function+0x0/0x10 [module] ...
//    ... cache items N ...
struct Event {
    explicit Event(const std::string& line) {
        const auto name = line.find(": mm_shrink_slab_");
        if (name == std::string::npos || line.find(" [ashmem]", name) == std::string::npos) return;
        ours = true;
        start = line.compare(name, 22, ": mm_shrink_slab_start") == 0;
        task = line.substr(0, line.find(" [", line.find_first_not_of(' ')));
        seconds = std::stod(line.substr(line.rfind(' ', name - 1) + 1));
        if (start) items = std::stoull(line.substr(line.find(before_items) + before_items.size()));
    }
    static constexpr std::string_view before_items = " cache items ";
    bool ours = false;
    bool start = false;
    std::string task;
    double seconds = 0;
    std::uint64_t items = 0; // of a start
};

// The driver's events up to now.
std::vector<Event> events() {
    std::vector<Event> all;
    for (const std::string& line : tracefs::lines())
        if (Event event(line); event.ours) all.push_back(std::move(event));
    return all;
}

} // namespace

ShrinkerTrace::ShrinkerTrace() {
    record(true);
    tracefs::restart();
}

ShrinkerTrace::~ShrinkerTrace() {
    try {
        record(false);
    } catch (const std::exception&) {
        // events that stay on do no harm
    }
}

void ShrinkerTrace::record(bool on) {
    for (const char* end : {"start", "end"})
        tracefs::record(std::string("vmscan/mm_shrink_slab_") + end, on);
}

std::vector<double> ShrinkerTrace::calls() const {
    std::map<std::string, double> begun;
    std::vector<double> all;
    for (const Event& event : events()) {
        if (event.start) {
            begun[event.task] = event.seconds;
        } else if (const auto found = begun.find(event.task); found != begun.end()) {
            all.push_back(event.seconds - found->second);
            begun.erase(found);
        }
    }
    return all;
}

std::vector<std::uint64_t> ShrinkerTrace::offers() const {
    std::vector<std::uint64_t> all;
    for (const Event& event : events())
        if (event.start) all.push_back(event.items);
    return all;
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// Switches the shrinker's tracepoints on, and reads what each call said and took.
#include "support/trace.hpp"

#include <cerrno>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/process.hpp"

namespace test {
namespace {

const std::string tracing = "/sys/kernel/tracing/";

void set(const std::string& file, const std::string& text) {
    const long ret = write_file(tracing + file, text);
    if (ret != 0) throw std::system_error(static_cast<int>(-ret), std::generic_category(), file);
}

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
    std::ifstream file(tracing + "trace");
    std::vector<Event> all;
    for (std::string line; std::getline(file, line);)
        if (Event event(line); event.ours) all.push_back(std::move(event));
    return all;
}

} // namespace

ShrinkerTrace::ShrinkerTrace() {
    set("trace", "");
    record(true);
    set("tracing_on", "1");
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
        set(std::string("events/vmscan/mm_shrink_slab_") + end + "/enable", on ? "1" : "0");
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

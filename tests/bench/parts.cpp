// SPDX-License-Identifier: Apache-2.0
// (e) Where the time of reclaim goes that drops single pages: a page in the trace of the
// kernel. Reclaim hands each range to a worker, since a punch waits for locks that the task
// in reclaim may hold.
//
// The times of a trace are microseconds, but a mean of thousands is finer.
#include <optional>
#include <stdexcept>
#include <string>

#include "costs/shapes.hpp"
#include "questions.hpp"
#include "support/tracefs.hpp"
#include "turns.hpp"

namespace bench {
namespace {

namespace tracefs = test::tracefs;

constexpr const char* events[] = {"events/ashmem/ashmem_purge_begin",
                                  "events/ashmem/ashmem_purge_end",
                                  "events/workqueue/workqueue_execute_start"};

struct Parts {
    double to_worker = 0, punch = 0, back = 0;
    int pages = 0;
};

// nanoseconds of "task-PID [000] d..1. 12.345678: EVENT: ..." if it is that event
std::optional<double> time_of(const std::string& line, const std::string& event) {
    const std::size_t end = line.find(": " + event + ':');
    if (end == std::string::npos) return std::nullopt;
    return std::stod(line.substr(line.rfind(' ', end) + 1)) * 1e9;
}

Parts parts_of_trace() {
    Parts parts;
    std::optional<double> begun, ended;
    for (const std::string& line : tracefs::lines()) {
        if (const auto at = time_of(line, "ashmem_purge_begin")) {
            if (ended) parts.back += *at - *ended;
            begun = at;
        } else if (const auto start = time_of(line, "workqueue_execute_start")) {
            if (begun && line.find("purge_work") != std::string::npos)
                parts.to_worker += *start - *begun;
        } else if (const auto end = time_of(line, "ashmem_purge_end")) {
            parts.punch += std::stod(line.substr(line.find(" ns=") + 4));
            ended = end;
            ++parts.pages;
        }
    }
    return parts;
}

void switch_events(const char* on) {
    for (const char* event : events)
        tracefs::set(std::string(event) + "/enable", on);
}

} // namespace

void ask_parts(Report& report) {
    constexpr costs::Shape scattered{false, true};
    costs::settle_reclaim();
    tracefs::set("buffer_size_kb", "16384");
    const costs::Unpinned unpinned(scattered);
    switch_events("1");
    tracefs::restart();
    costs::drop_caches();
    tracefs::set("tracing_on", "0");
    switch_events("0");
    const Parts parts = parts_of_trace();
    if (static_cast<std::size_t>(parts.pages) < costs::unpinned_pages(scattered) / 2)
        throw std::runtime_error("the trace lacks purges");
    const auto add_part = [&](const char* what, double all) {
        add(report, {"e", std::string("of reclaim of a single page, traced: ") + what}, "ashmem",
            all / parts.pages);
    };
    add_part("from its choice to the worker's start", parts.to_worker);
    add_part("the punch", parts.punch);
    add_part("from the punch to the next choice", parts.back);
}

} // namespace bench

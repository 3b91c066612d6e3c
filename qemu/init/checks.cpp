// SPDX-License-Identifier: Apache-2.0
// Reports what the kernel found once the command has ended: lockdep, leaks, taints.
#include <glob.h>

#include <sstream>

#include "guest.hpp"

namespace vm {
namespace {

constexpr const char* kmemleak = "/sys/kernel/debug/kmemleak";

// kmemleak leaves objects younger than this alone.
constexpr unsigned leak_age_seconds = 6;
// Emptied stocks are freed after a grace period.
constexpr unsigned stock_seconds = 1;

void record_lockdep(const Channel& channel) {
    for (const std::string& line : read_lines("/proc/lockdep_stats")) {
        const size_t at = line.find("debug_locks:");
        if (at == std::string::npos) continue;
        std::istringstream value{line.substr(line.find(':') + 1)};
        int enabled = 0;
        value >> enabled;
        channel.record("lockdep " + std::to_string(enabled));
    }
}

// What was allocated last may still be named in the processors' stocks of free objects,
// which are memory that kmemleak reads (SLUB's sheaves, since 6.18).
void empty_stocks() {
    glob_t slabs{};
    if (::glob("/sys/kernel/slab/*/shrink", 0, nullptr, &slabs) == 0)
        for (std::size_t i = 0; i < slabs.gl_pathc; ++i)
            write_file(slabs.gl_pathv[i], "1");
    ::globfree(&slabs);
}

void record_leaks(const Channel& channel) {
    if (::access(kmemleak, W_OK) != 0) return;
    ::sleep(leak_age_seconds);
    // The first scans may still find a stale pointer in a register or on a stack.
    for (int scan = 0; scan < 3; ++scan) {
        empty_stocks();
        ::sleep(stock_seconds);
        write_file(kmemleak, "scan");
    }
    for (const std::string& line : read_lines(kmemleak))
        channel.record("kmemleak " + line);
}

} // namespace

std::string taint() {
    std::string value = read_file("/proc/sys/kernel/tainted");
    value.erase(value.find_last_not_of('\n') + 1);
    return value;
}

void clear_leaks() {
    write_file(kmemleak, "clear");
}

void record_checks(const Channel& channel, const std::string& taint_before) {
    record_lockdep(channel);
    record_leaks(channel);
    channel.record("taint " + taint_before + " " + taint());
}

} // namespace vm

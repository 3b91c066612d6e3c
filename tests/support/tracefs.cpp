// SPDX-License-Identifier: Apache-2.0
// Reads and writes the files below /sys/kernel/tracing.
#include "support/tracefs.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "support/process.hpp"

namespace test::tracefs {
namespace {

const std::string folder = "/sys/kernel/tracing/";

} // namespace

void set(const std::string& file, const std::string& text) {
    const long ret = write_file(folder + file, text);
    if (ret != 0) throw std::system_error(static_cast<int>(-ret), std::generic_category(), file);
}

void record(const std::string& events, bool on) {
    // To tell names of tasks the kernel would trace its scheduler too, and rewrite code that
    // the other processor runs: if that is emulated, it sometimes hangs in the old code.
    set("options/record-cmd", "0");
    set("events/" + events + "/enable", on ? "1" : "0");
}

void restart() {
    // it is the opening that clears, not what is written
    if (!std::ofstream(folder + "trace", std::ios::trunc))
        throw std::system_error(errno, std::generic_category(), "trace");
    set("tracing_on", "1");
}

std::vector<std::string> lines() {
    std::ifstream file(folder + "trace");
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);)
        if (!line.starts_with('#')) all.push_back(line);
    return all;
}

} // namespace test::tracefs

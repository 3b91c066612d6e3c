// SPDX-License-Identifier: Apache-2.0
// The report of a measurement: a line for each cost as it comes, and all of them as JSON.
#include "report.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <utility>

#include "support/process.hpp"

namespace costs {
namespace {

std::string number(const std::optional<double>& value, int digits) {
    if (!value) return "null";
    std::ostringstream text;
    text << std::fixed << std::setprecision(digits) << *value;
    return text.str();
}

std::string first_line(const std::string& path) {
    const std::string text = test::read_file(path);
    return text.substr(0, text.find('\n'));
}

} // namespace

void Report::add(const char* key, const char* what, double ours) {
    add(Cost{key, what, ours, std::nullopt});
}

void Report::add(const char* key, const char* what, const Pair& pair) {
    add(Cost{key, what, pair.ours, pair.peer});
}

void Report::add(Cost cost) {
    std::cout << std::left << std::setw(52) << cost.what << std::right << std::setw(14)
              << (cost.ours ? number(cost.ours, cost.unit == "times" ? 4 : 1) : "-");
    if (cost.ours && cost.peer)
        std::cout << std::setw(14) << number(cost.peer, 1) << std::setw(9)
                  << number(*cost.ours / *cost.peer, 4);
    std::cout << std::endl;
    all_.push_back(std::move(cost));
}

void Report::write_json(const std::string& path) const {
    utsname system{};
    uname(&system);
    std::ofstream file(path);
    file << "{\"kernel\": \"" << system.release << "\", \"clock\": \""
         << first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
         << "\", \"costs\": [";
    const char* separator = "\n";
    for (const Cost& cost : all_) {
        file << separator << "{\"key\": \"" << cost.key << "\", \"what\": \"" << cost.what
             << "\", \"unit\": \"" << cost.unit << "\", \"ours\": " << number(cost.ours, 4)
             << ", \"memfd\": " << number(cost.peer, 4) << '}';
        separator = ",\n";
    }
    file << "\n]}\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

} // namespace costs

// SPDX-License-Identifier: Apache-2.0
// Figures as JSON, and a line of each as it is found.
#include "report.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <stdexcept>

namespace bench {

void Report::add(Figure figure) {
    std::cout << figure.question << ' ' << figure.row << ": " << figure.subject << ' '
              << std::setprecision(6) << figure.value << ' ' << figure.unit << '\n'
              << std::flush;
    all_.push_back(std::move(figure));
}

void Report::write_json(const std::string& path) const {
    std::ofstream file(path);
    utsname system{};
    uname(&system);
    file << "{\"release\": \"" << system.release << "\", \"machine\": \"" << system.machine
         << "\", \"page\": " << sysconf(_SC_PAGESIZE) << ", \"figures\": [";
    const char* separator = "\n";
    for (const auto& [question, row, subject, value, unit, x] : all_) {
        file << separator << " {\"question\": " << std::quoted(question)
             << ", \"row\": " << std::quoted(row) << ", \"subject\": " << std::quoted(subject)
             << ", \"value\": " << std::setprecision(9) << value
             << ", \"unit\": " << std::quoted(unit) << ", \"x\": " << x << '}';
        separator = ",\n";
    }
    file << "\n]}\n" << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path);
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// What the kernel says while programs run: its detectors go on after most reports, and the
// program that caused one must be known.
#pragma once

#include <regex.h>

#include <string>
#include <vector>

namespace kfuzz {

class KernelLog {
public:
    // file: extended regular expressions, one a line, of which a report matches one
    explicit KernelLog(const char* file);
    KernelLog(const KernelLog&) = delete;
    KernelLog& operator=(const KernelLog&) = delete;
    ~KernelLog();

    // The first report since the last call, or "".
    std::string report();

private:
    [[nodiscard]] bool is_report(const std::string& line) const;

    int fd_;
    std::vector<regex_t> signs_;
};

} // namespace kfuzz

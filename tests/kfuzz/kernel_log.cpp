// SPDX-License-Identifier: Apache-2.0
// Each read of /dev/kmsg gives one message: "PRIORITY,NUMBER,TIME,FLAGS;TEXT\n".
#include "kfuzz/kernel_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace kfuzz {

KernelLog::KernelLog(const char* file) : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "/dev/kmsg");
    lseek(fd_, 0, SEEK_END);
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        if (regcomp(&signs_.emplace_back(), line.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
            throw std::runtime_error("no regular expression: " + line);
    }
    if (signs_.empty()) throw std::runtime_error(std::string(file) + " has no expressions");
}

KernelLog::~KernelLog() {
    for (regex_t& sign : signs_)
        regfree(&sign);
    close(fd_);
}

bool KernelLog::is_report(const std::string& line) const {
    return std::ranges::any_of(signs_, [&](const regex_t& sign) {
        return regexec(&sign, line.c_str(), 0, nullptr, 0) == 0;
    });
}

std::string KernelLog::report() {
    std::string first;
    std::array<char, 8192> message{};
    for (;;) {
        const auto length = read(fd_, message.data(), message.size());
        if (length < 0 && errno == EPIPE) continue; // older messages were overwritten
        if (length <= 0) return first;
        std::string line(message.data(), static_cast<std::size_t>(length));
        line.erase(0, line.find(';') + 1);
        line.erase(std::min(line.find('\n'), line.size()));
        if (first.empty() && is_report(line)) first = line;
    }
}

} // namespace kfuzz

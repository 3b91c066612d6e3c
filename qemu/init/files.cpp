// SPDX-License-Identifier: Apache-2.0
// Reads and writes small files: the host's instructions, proc and sysfs.
#include <cerrno>
#include <cstring>
#include <sstream>

#include "guest.hpp"

namespace vm {

std::string read_file(const char* path) {
    std::string text;
    const Fd fd{path, O_RDONLY};
    char buffer[4096];
    ssize_t got;
    while (fd && (got = ::read(fd.get(), buffer, sizeof(buffer))) > 0)
        text.append(buffer, static_cast<size_t>(got));
    return text;
}

std::vector<std::string> read_lines(const char* path) {
    std::istringstream text{read_file(path)};
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);)
        lines.push_back(line);
    return lines;
}

Config read_config(const char* path) {
    Config config;
    for (const std::string& line : read_lines(path)) {
        const size_t equals = line.find('=');
        if (equals != std::string::npos) config[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return config;
}

bool write_file(const char* path, std::string_view data) {
    const Fd fd{path, O_WRONLY};
    return fd && fd.write_all(data);
}

std::string errno_text(std::string_view what) {
    return std::string{what} + ": " + std::strerror(errno);
}

} // namespace vm

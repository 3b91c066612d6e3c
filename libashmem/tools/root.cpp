// SPDX-License-Identifier: Apache-2.0
// Reads what several checks of doctor ask for.
#include "root.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "files.hpp"
#include "text.hpp"

namespace tool {

namespace fs = std::filesystem;

Root::Root(std::string folder) : folder_(std::move(folder)) {
    while (folder_.ends_with('/'))
        folder_.pop_back();
}

std::optional<std::string> Root::read(const std::string& name) const {
    return read_file(path(name));
}

bool Root::exists(const std::string& name) const {
    std::error_code error;
    return fs::exists(fs::symlink_status(path(name), error));
}

std::vector<std::string> Root::names(const std::string& folder) const {
    std::vector<std::string> all;
    std::error_code error;
    for (fs::directory_iterator it(path(folder), error), end; !error && it != end;
         it.increment(error))
        all.push_back(it->path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
}

std::string Root::release() const {
    const auto words = words_of(read("/proc/sys/kernel/osrelease").value_or(""));
    return words.empty() ? "" : words.front();
}

std::optional<unsigned> Root::minor_number() const {
    for (const std::string& line : lines_of(read("/proc/misc").value_or(""))) {
        const auto words = words_of(line);
        if (words.size() == 2 && words[1] == "ashmem")
            if (const auto number = to_number(words[0])) return static_cast<unsigned>(*number);
    }
    return {};
}

std::string Root::module_file(const std::string& release) const {
    const std::string folder = "/lib/modules/" + release + "/";
    for (const std::string& line : lines_of(read(folder + "modules.dep").value_or(""))) {
        const std::string file = line.substr(0, line.find(':'));
        if (file.find("/ashmem.ko") != std::string::npos && exists(folder + file))
            return folder + file;
    }
    for (const char* const below : {"updates/dkms/", "updates/", "extra/"})
        for (const char* const suffix : {"", ".xz", ".zst", ".gz"})
            if (std::string file = folder + below + "ashmem.ko" + suffix; exists(file)) return file;
    return "";
}

} // namespace tool

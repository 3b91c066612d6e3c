// SPDX-License-Identifier: Apache-2.0
// Reads files, links and folders.
#include "files.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/unique_fd.hpp>
#include <cerrno>

#include "text.hpp"

namespace tool {

namespace {

ashmem::unique_fd open_to_read(const std::string& path, int folder) {
    // A FIFO or a device in a prepared tree must not block us.
    return ashmem::unique_fd(::openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

} // namespace

std::optional<std::string> read_file(const std::string& path, int folder) {
    const ashmem::unique_fd file = open_to_read(path, folder);
    if (!file.ok()) return {};

    std::string text;
    std::array<char, 16384> buffer;
    ssize_t got = 0;
    while ((got = ::read(file.get(), buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0) return {};
    return text;
}

std::optional<std::string> read_short_file(const std::string& path, int folder) {
    const ashmem::unique_fd file = open_to_read(path, folder);
    std::array<char, 4096> buffer;
    const ssize_t got = file.ok() ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
    if (got < 0) return {};
    return std::string(buffer.data(), static_cast<std::size_t>(got));
}

std::string read_link(const std::string& path, int folder) {
    std::array<char, 4096> target;
    const ssize_t length = ::readlinkat(folder, path.c_str(), target.data(), target.size());
    return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

std::vector<int> Folder::numbers() {
    std::vector<int> all;
    while (const dirent* const entry = stream_ ? ::readdir(stream_.get()) : nullptr)
        if (const auto number = to_number(entry->d_name)) all.push_back(static_cast<int>(*number));
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace tool

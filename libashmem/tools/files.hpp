// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Small files, links and folders, most of them in /proc. A path may be relative to a folder
 * that is open.
 */
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/** A whole file; nothing if it cannot be read, and then errno says why. */
[[nodiscard]] std::optional<std::string> read_file(const std::string& path, int folder = AT_FDCWD);

/** The same of a file that a single read gives whole, such as fdinfo: up to 4 KiB. */
[[nodiscard]] std::optional<std::string> read_short_file(const std::string& path, int folder);

/** Where a symbolic link leads, "" if it is none or cannot be read. */
[[nodiscard]] std::string read_link(const std::string& path, int folder = AT_FDCWD);

/** A folder that stays open, so that paths to its files are short. */
class Folder {
public:
    explicit Folder(const std::string& path) : stream_(::opendir(path.c_str())) {}
    [[nodiscard]] bool ok() const { return stream_ != nullptr; }
    [[nodiscard]] int fd() const { return ::dirfd(stream_.get()); }
    /** The entries that are numbers, in their order. Files that come or go meanwhile may be
     * missing. */
    [[nodiscard]] std::vector<int> numbers();

private:
    struct Close {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    std::unique_ptr<DIR, Close> stream_;
};

} // namespace tool

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The file system that doctor examines.
 */
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tool {

/** This system's, or a tree below a folder. */
class Root {
public:
    explicit Root(std::string folder);

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + name; }
    [[nodiscard]] std::optional<std::string> read(const std::string& name) const;
    [[nodiscard]] bool exists(const std::string& name) const;
    /** Names in a folder, sorted. */
    [[nodiscard]] std::vector<std::string> names(const std::string& folder) const;
    /** Whether devices can be tried out: those in another tree belong to another machine. */
    [[nodiscard]] bool live() const { return folder_.empty(); }

    /** The running kernel's release, "" if unknown. */
    [[nodiscard]] std::string release() const;
    /** The driver's minor number by /proc/misc. */
    [[nodiscard]] std::optional<unsigned> minor_number() const;
    /** The path of the module for a release, "" if there is none. */
    [[nodiscard]] std::string module_file(const std::string& release) const;

private:
    std::string folder_;
};

} // namespace tool

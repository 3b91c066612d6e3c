// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A memory cgroup, as containers have one: a limit, and no swap.
 */
#pragma once

#include <cstdint>
#include <string>

namespace demo {

class Container final {
public:
    /** Make one that may use so many bytes. Throws std::system_error: it needs cgroup v2. */
    explicit Container(std::uint64_t max_memory);
    Container(const Container&) = delete;
    Container& operator=(const Container&) = delete;
    /** Removes it; the programs in it must have ended. */
    ~Container();

    /** Its folder, for start(). */
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /** How often a program was killed in it for want of memory. */
    [[nodiscard]] std::uint64_t kills() const;

private:
    std::string path_;
};

} // namespace demo

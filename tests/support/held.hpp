// SPDX-License-Identifier: Apache-2.0
// Which pages of a region hold something, found without a call to the driver.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "support/region.hpp"

namespace test {

// The region's backing file by /proc/self/map_files. Looking there takes no lock of the
// region, which reclaim would find busy and skip. Pages in swap count as held.
class Held {
public:
    // a map of all of the region, which may go after this
    explicit Held(const Map& map) : fd_(open(map_file(map).c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ < 0) throw std::system_error(errno, std::generic_category(), map_file(map));
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { close(fd_); }

    bool operator[](std::size_t page) const {
        const auto at = static_cast<off_t>(page * page_size());
        return lseek(fd_, at, SEEK_DATA) == at;
    }

private:
    static std::string map_file(const Map& map) {
        const std::string line = map.maps_line();
        return "/proc/self/map_files/" + line.substr(0, line.find(' '));
    }

    int fd_;
};

} // namespace test

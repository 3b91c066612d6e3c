// SPDX-License-Identifier: Apache-2.0
// Finds a descriptor's region among those of other processes. kcmp() orders open files, so a
// search takes a few calls among many regions.
#include "unmapped.hpp"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tool {
namespace {

enum class Order { same, before, after, unknown };

/** Unknown if this user may not trace both, if one has ended, or without kcmp(). */
Order compare(pid_t pid, int fd, pid_t other_pid, int other_fd) {
    switch (::syscall(SYS_kcmp, pid, other_pid, KCMP_FILE, fd, other_fd)) {
        case 0:
            return Order::same;
        case 1:
            return Order::before;
        case 2:
            return Order::after;
        default:
            return Order::unknown;
    }
}

} // namespace

void UnmappedRegions::add(const Region& found, pid_t pid, int fd) {
    auto& places = known_[{found.name, found.size.value_or(0), found.mask.value_or(0)}];
    std::size_t first = 0;
    std::size_t end = places.size();
    bool comparable = true;
    while (comparable && first < end) {
        const std::size_t middle = first + (end - first) / 2;
        const Place& place = places[middle];
        const Order order = compare(pid, fd, place.pid, place.fd);
        if (order == Order::same) {
            all_[place.index].holder(pid).fds.push_back(fd);
            return;
        }
        if (order == Order::before) end = middle;
        if (order == Order::after) first = middle + 1;
        comparable = order != Order::unknown;
    }
    if (comparable)
        places.insert(places.begin() + static_cast<std::ptrdiff_t>(first), {pid, fd, all_.size()});
    all_.push_back(found);
    all_.back().resident = 0;
    all_.back().holder(pid).fds.push_back(fd);
}

} // namespace tool

// SPDX-License-Identifier: Apache-2.0
// The descriptors of a process, by region. One is replaced while others use it; its number
// then refers to /dev/null until the program ends, never to another region.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kfuzz/world.hpp"

namespace kfuzz {

struct Slot {
    int fd = -1;
    Region* region = nullptr;
    bool own = false; // only one actor uses the region
};

class Slots {
public:
    // socket: to the other process, which has the other socket
    Slots(World& world, int socket, int others_socket);
    // Closes all of a program, also what is on its way in the sockets.
    void forget_all();

    [[nodiscard]] Slot get(int actor, int region);
    // whether a descriptor has been closed since it was got, or before it was passed
    static bool is_closed(int fd);

    // Each returns 0 or -errno.
    long open(int actor, int region, int flags);
    long close(int actor, int region);
    long dup(int actor, int region);
    long pass(int actor, int region);
    long take(int actor, int region);

    static constexpr std::size_t count = most_actors + most_regions - 1;
    [[nodiscard]] Slot at(std::size_t index);

private:
    static constexpr std::uint64_t none = UINT64_MAX;
    static std::size_t index(int actor, int region);
    bool is_current(std::size_t index, int fd);
    void put(std::size_t index, int fd, std::uint32_t region);

    World& world_;
    int socket_;
    int others_socket_;
    int null_;
    std::array<std::atomic<std::uint64_t>, count> slots_; // region and descriptor in one
};

} // namespace kfuzz

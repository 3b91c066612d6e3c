// SPDX-License-Identifier: Apache-2.0
// Opens, closes and passes descriptors.
#include "kfuzz/slots.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/region.hpp"

namespace kfuzz {
namespace {

// Descriptors of a program's regions have numbers from here on.
constexpr int first_number = 100;

int raised(int fd) {
    const int higher = fcntl(fd, F_DUPFD_CLOEXEC, first_number);
    close(fd);
    return higher;
}

// Room for one descriptor, and for the message beside it.
struct Message {
    explicit Message(std::uint32_t* number) : part{number, sizeof *number} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    iovec part;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
};

} // namespace

Slots::Slots(World& world, int socket, int others_socket)
    : world_(world),
      socket_(socket),
      others_socket_(others_socket),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    for (auto& slot : slots_)
        slot = none;
}

void Slots::forget_all() {
    for (auto& slot : slots_)
        slot = none;
    // also what was passed to another process that the program does not have; without room
    // for descriptors the kernel closes them
    for (const int socket : {socket_, others_socket_}) {
        std::uint32_t number = 0;
        while (recv(socket, &number, sizeof number, MSG_DONTWAIT) >= 0) {
        }
    }
    close_range(static_cast<unsigned>(first_number), ~0U, 0);
}

std::size_t Slots::index(int actor, int region) {
    return static_cast<std::size_t>(region == 0 ? actor : most_actors + region - 1);
}

Slot Slots::at(std::size_t index) {
    const auto both = slots_[index].load();
    if (both == none) return {};
    return {static_cast<int>(both & UINT32_MAX),
            world_.region(static_cast<std::uint32_t>(both >> 32)), index < most_actors};
}

Slot Slots::get(int actor, int region) {
    const auto where = index(actor, region);
    // without a region most steps would be useless
    if (slots_[where] == none) open(actor, region, O_RDWR | O_CLOEXEC);
    return at(where);
}

bool Slots::is_current(std::size_t index, int fd) {
    return at(index).fd == fd;
}

bool Slots::is_closed(int fd) {
    struct stat file {
    }, null{};
    return fstat(fd, &file) != 0 || (stat("/dev/null", &null) == 0 && file.st_rdev == null.st_rdev);
}

void Slots::put(std::size_t index, int fd, std::uint32_t region) {
    const auto now = fd < 0 ? none : std::uint64_t{region} << 32 | static_cast<std::uint32_t>(fd);
    const auto old = slots_[index].exchange(now);
    if (old != none) dup3(null_, static_cast<int>(old & UINT32_MAX), O_CLOEXEC);
}

long Slots::open(int actor, int region, int flags) {
    int fd = ::open("/dev/ashmem", flags | O_CLOEXEC);
    if (fd < 0) return -errno;
    fd = raised(fd);
    const Region* added = world_.add();
    if (added == nullptr) {
        ::close(fd);
        return 0;
    }
    put(index(actor, region), fd, world_.number_of(added));
    return 0;
}

long Slots::close(int actor, int region) {
    put(index(actor, region), -1, 0);
    return 0;
}

long Slots::dup(int actor, int region) {
    const Slot slot = at(index(actor, region));
    if (slot.fd < 0) return 0;
    const int fd = fcntl(slot.fd, F_DUPFD_CLOEXEC, first_number);
    if (fd < 0) return -errno;
    const int other = region == 0 ? 0 : most_regions - region;
    if (is_current(index(actor, region), slot.fd))
        put(index(actor, other), fd, world_.number_of(slot.region));
    else
        ::close(fd); // it may be that of /dev/null
    return 0;
}

long Slots::pass(int actor, int region) {
    const Slot slot = at(index(actor, region));
    if (slot.fd < 0 || slot.own) return 0;
    auto number = world_.number_of(slot.region);
    Message message(&number);
    cmsghdr* control = CMSG_FIRSTHDR(&message.header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof slot.fd);
    std::memcpy(CMSG_DATA(control), &slot.fd, sizeof slot.fd);
    return test::outcome(sendmsg(socket_, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL));
}

long Slots::take(int actor, int region) {
    if (region == 0) return 0;
    std::uint32_t number = 0;
    int fd = -1;
    Message message(&number);
    if (recvmsg(socket_, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) return -errno;
    const cmsghdr* control = CMSG_FIRSTHDR(&message.header);
    if (control == nullptr) return 0;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    put(index(actor, region), raised(fd), number);
    return 0;
}

} // namespace kfuzz

// SPDX-License-Identifier: Apache-2.0
// libashmem-preload.so: functions of descriptors that move no bytes, on regions and on others.
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using namespace test;

namespace {

// room for some control data, and what was received there
struct Received {
    Received() {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    // the data of one kind, null if there is none
    [[nodiscard]] const unsigned char* data(int level, int type) {
        for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at))
            if (at->cmsg_level == level && at->cmsg_type == type) return CMSG_DATA(at);
        return nullptr;
    }
    std::array<char, 4096> bytes{};
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr header{};
};

bool receive(int fd, Received& into, bool many) {
    if (!many) return recvmsg(fd, &into.header, 0) > 0;
    mmsghdr message{into.header, 0};
    const bool got = recvmmsg(fd, &message, 1, 0, nullptr) == 1;
    into.header = message.msg_hdr;
    return got;
}

// asks for the names of network interfaces
void ask_for_links(int netlink) {
    struct {
        nlmsghdr header;
        rtgenmsg body;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.body));
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    REQUIRE(send(netlink, &request, request.header.nlmsg_len, 0) > 0);
}

} // namespace

TEST_CASE("what the driver does not have is refused on a region, and works on another file",
          "[preload]") {
    const Region region = Region::of_pages(1);
    const int file = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st {};
    CHECK(outcome(ftruncate(region.fd(), 1)) == -EINVAL);
    CHECK(outcome(fsync(region.fd())) == -EINVAL);
    CHECK(outcome(fdatasync(region.fd())) == -EINVAL);
    CHECK(outcome(fallocate(region.fd(), 0, 0, 1)) == -ENODEV);
    CHECK(posix_fallocate(region.fd(), 0, 1) == ENODEV);
    CHECK(outcome(fcntl(region.fd(), F_GET_SEALS)) == -EINVAL);
    CHECK(outcome(fcntl(region.fd(), F_ADD_SEALS, F_SEAL_WRITE)) == -EINVAL);

    CHECK(fsync(file) == 0);
    CHECK(fdatasync(file) == 0);
    CHECK(fallocate(file, 0, 0, 100) == 0);
    CHECK(posix_fallocate(file, 100, 100) == 0);
    REQUIRE(fstat(file, &st) == 0);
    CHECK(st.st_size == 200);
    CHECK(ftruncate(file, 1) == 0);
    CHECK(lseek(file, 0, SEEK_END) == 1);
    CHECK(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(fcntl(file, F_GET_SEALS) == F_SEAL_SHRINK);
    CHECK(outcome(ftruncate(file, 0)) == -EPERM);
    close(file);
}

TEST_CASE("a pipe has packets by O_DIRECT", "[preload]") {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(fcntl(ends[1], F_SETFL, O_DIRECT) == 0);
    CHECK((fcntl(ends[1], F_GETFL) & O_DIRECT) != 0);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("the ioctls that every file has work on a region", "[preload]") {
    const Region region(O_RDWR);
    int on = 1;
    CHECK(region.ioctl(FIOCLEX) == 0);
    CHECK(fcntl(region.fd(), F_GETFD) == FD_CLOEXEC);
    CHECK(region.ioctl(FIONCLEX) == 0);
    CHECK(fcntl(region.fd(), F_GETFD) == 0);
    CHECK(region.ioctl(FIONBIO, &on) == 0);
    CHECK((fcntl(region.fd(), F_GETFL) & O_NONBLOCK) != 0);
    // a device without asynchronous notices, as a memfd
    CHECK(region.ioctl(FIOASYNC, &on) == -ENOTTY);
    CHECK(region.ioctl(FIONREAD, &on) == -ENOTTY);
}

TEST_CASE("where READ implies EXEC, a map to read needs both of the mask", "[preload]") {
    CHECK(in_child([] {
              const Region whole = Region::of_pages(1), narrowed = Region::of_pages(1);
              if (narrowed.set_mask(rw) != 0) return 1;
              personality(READ_IMPLIES_EXEC);
              if (whole.try_map(page_size(), PROT_READ) != 0) return 2;
              if (narrowed.try_map(page_size(), PROT_READ) != -EPERM) return 3;
              return narrowed.try_map(page_size(), PROT_WRITE) == 0 ? 0 : 4;
          }) == 0);
}

TEST_CASE("a copy of a region's descriptor is one, and closes at exec if so asked", "[preload]") {
    const Region region = Region::of_pages(1);
    for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC}) {
        const Region copy(Region::Adopt{fcntl(region.fd(), command, 100)});
        CHECK(copy.fd() >= 100);
        CHECK(copy.size() == static_cast<long>(page_size()));
        CHECK((fcntl(copy.fd(), F_GETFD) == FD_CLOEXEC) == (command == F_DUPFD_CLOEXEC));
    }
}

TEST_CASE("a region comes with a sender's credentials", "[preload]") {
    const Region region = Region::of_pages(3);
    for (const bool many : {false, true}) {
        const auto [sender, receiver] = socket_pair(SOCK_STREAM);
        const int on = 1;
        REQUIRE(setsockopt(receiver.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
        send_raw(sender.get(), std::as_bytes(std::span("x", 1)), {region.fd()});
        Received got;
        REQUIRE(receive(receiver.get(), got, many));
        ucred who{};
        int fd = -1;
        const auto* const credentials = got.data(SOL_SOCKET, SCM_CREDENTIALS);
        const auto* const rights = got.data(SOL_SOCKET, SCM_RIGHTS);
        REQUIRE((credentials != nullptr && rights != nullptr));
        std::memcpy(&who, credentials, sizeof(who));
        CHECK(who.pid == getpid());
        std::memcpy(&fd, rights, sizeof(fd));
        CHECK(Region(Region::Adopt{fd}).size() == static_cast<long>(3 * page_size()));
    }
}

TEST_CASE("messages without descriptors come as ever", "[preload]") {
    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    const int on = 1;
    REQUIRE(setsockopt(netlink, SOL_NETLINK, NETLINK_PKTINFO, &on, sizeof(on)) == 0);
    for (const bool many : {false, true}) {
        ask_for_links(netlink);
        Received got;
        REQUIRE(receive(netlink, got, many));
        CHECK(got.data(SOL_NETLINK, NETLINK_PKTINFO) != nullptr);
        while (recv(netlink, got.bytes.data(), got.bytes.size(), MSG_DONTWAIT) > 0) {
        }

        const auto [sender, receiver] = socket_pair(SOCK_STREAM);
        Received plain;
        plain.header.msg_controllen = 0;
        REQUIRE(send(sender.get(), "abc", 3, 0) == 3);
        REQUIRE(receive(receiver.get(), plain, many));
        CHECK(std::string(plain.bytes.data()) == "abc");
        CHECK(!receive(-1, plain, many));
    }
    close(netlink);
}

TEST_CASE("SEEK_END, SEEK_DATA and SEEK_HOLE stay within what a position can be", "[preload]") {
    constexpr off_t most = std::numeric_limits<off_t>::max();
    const Region region = Region::of_pages(3);
    const auto page = static_cast<off_t>(page_size());
    const Map map = region.map_pages(3);
    map[page_size()] = 1;
    const int fd = region.fd();
    CHECK(lseek(fd, -page, SEEK_END) == 2 * page);
    CHECK(outcome(lseek(fd, -4 * page, SEEK_END)) == -EINVAL);
    CHECK(outcome(lseek(fd, most, SEEK_END)) == -EINVAL);
    CHECK(lseek(fd, 0, SEEK_DATA) == page);
    CHECK(lseek(fd, 0, SEEK_HOLE) == 0);
    CHECK(lseek(fd, page, SEEK_HOLE) == 2 * page);
    CHECK(outcome(lseek(fd, 2 * page, SEEK_DATA)) == -ENXIO);
    for (const int whence : {SEEK_DATA, SEEK_HOLE})
        for (const off_t outside : {off_t{-1}, 3 * page, most})
            CHECK(outcome(lseek(fd, outside, whence)) == -ENXIO);
    // the failures left it where it was
    CHECK(lseek(fd, 0, SEEK_CUR) == 2 * page);
}

TEST_CASE("a number that threads copy a region to over and over is a region's", "[preload]") {
    const Region region = Region::of_pages(1);
    const int number = fcntl(region.fd(), F_DUPFD_CLOEXEC, 200);
    const Region copy(Region::Adopt{number});
    const int times = rounds(300'000);
    // the number is to be looked at anew each time
    const auto copy_again = [&] { return dup2(number, number) == number; };
    int failed = 0;
    std::thread other([&] {
        for (int i = 0; i < times; ++i)
            (void)copy_again();
    });
    for (int i = 0; i < times; ++i)
        failed += !copy_again() || (i % 1000 == 0 && copy.size() != region.size());
    other.join();
    CHECK(failed == 0);
    CHECK(outcome(write(number, "x", 1)) == -EINVAL);
}

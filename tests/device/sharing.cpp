// SPDX-License-Identifier: Apache-2.0
// One region in several processes: over fork, exec and a Unix socket.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ashmem/fd_passing.hpp>
#include <catch2/catch.hpp>
#include <cstring>

#include "support/process.hpp"
#include "support/region.hpp"

using namespace test;

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

int listen_at(const std::string& path) {
    unlink(path.c_str());
    const auto address = address_of(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
    return listen(fd, 4) == 0 ? fd : -1;
}

int connect_to(const std::string& path) {
    const auto address = address_of(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return -1;
    return fd;
}

constexpr const char* peer_log = "/tmp/ashmem-test-peer";

// Runs this program again with the hidden test; its results do not count as ours.
int run_peer(const std::string& socket_path) {
    return in_child([&] {
        setenv("ASHMEM_TEST_SOCKET", socket_path.c_str(), 1);
        execl("/proc/self/exe", "ashmem-tests", "[.peer]", "-o", peer_log, nullptr);
        return 126;
    });
}

} // namespace

// Run only by the test below, in a process of its own.
TEST_CASE("(peer) maps a received region read-only and sees its data", "[.peer]") {
    const char* path = std::getenv("ASHMEM_TEST_SOCKET");
    REQUIRE(path);
    const int sock = connect_to(path);
    REQUIRE(sock >= 0);
    Region region(Region::Adopt{ashmem::receive_fd(sock).release()});
    close(sock);
    CHECK(region.name() == "passed on");
    CHECK(region.mask() == PROT_READ);
    REQUIRE(region.size() == static_cast<long>(3 * page_size()));
    CHECK(region.map_pages(3, PROT_READ).holds(0x3c));
    CHECK(region.try_map(page_size(), rw) == -EPERM);
    CHECK(region.pin_pages(0) == ASHMEM_NOT_PURGED);
}

TEST_CASE("a region passed over a Unix socket to an unrelated process is the same region",
          "[device][sharing]") {
    const std::string path = "/tmp/ashmem-test-socket";
    const int listener = listen_at(path);
    REQUIRE(listener >= 0);
    Region region = Region::of_pages(3);
    REQUIRE(region.set_name("passed on") == 0);
    Map map = region.map_pages(3);
    map.fill(0x3c);
    REQUIRE(region.set_mask(PROT_READ) == 0);

    Child server([&] {
        const int sock = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        ashmem::send_fd(sock, region.fd());
        char end = 0;
        return read(sock, &end, 1) == 0 ? 0 : 1; // until the peer is done
    });
    const int ret = run_peer(path);
    INFO(read_file(peer_log));
    CHECK(ret == 0);
    unlink(peer_log);
    CHECK(server.wait() == 0);
    close(listener);
    unlink(path.c_str());
}

TEST_CASE("a passed descriptor is a new number for the same open file", "[device][sharing]") {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    Region region;
    REQUIRE(region.set_name("before") == 0);
    ashmem::send_fd(pair[0], region.fd());
    Region received(Region::Adopt{ashmem::receive_fd(pair[1]).release()});
    CHECK(received.fd() != region.fd());
    REQUIRE(received.set_name("after") == 0);
    CHECK(region.name() == "after");
    close(pair[0]);
    close(pair[1]);
}

TEST_CASE("a region lives in a message that nobody has received yet", "[device][sharing]") {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    {
        Region region = Region::of_pages(1);
        region.map_pages(1).fill(0x77);
        ashmem::send_fd(pair[0], region.fd());
    }
    Region received(Region::Adopt{ashmem::receive_fd(pair[1]).release()});
    CHECK(received.map_pages(1).holds(0x77));
    close(pair[0]);
    close(pair[1]);
}

TEST_CASE("a write in the receiver is seen by the sender", "[device][sharing]") {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    Child receiver([&] {
        Region region(Region::Adopt{ashmem::receive_fd(pair[1]).release()});
        region.map_pages(2).fill(0x99);
        return 0;
    });
    Region region = Region::of_pages(2);
    Map map = region.map_pages(2);
    ashmem::send_fd(pair[0], region.fd());
    REQUIRE(receiver.wait() == 0);
    CHECK(map.holds(0x99));
    close(pair[0]);
    close(pair[1]);
}

TEST_CASE("sixteen regions are shared over one fork", "[device][sharing]") {
    std::vector<Region> regions;
    std::vector<Map> maps;
    for (unsigned i = 0; i < 16; ++i) {
        regions.push_back(Region::of_pages(i + 1));
        maps.push_back(regions.back().map_pages(i + 1));
        maps.back().fill(static_cast<unsigned char>(i + 1));
    }
    CHECK(in_child([&] {
              for (unsigned i = 0; i < 16; ++i) {
                  if (!regions[i].map_pages(i + 1).holds(static_cast<unsigned char>(i + 1)))
                      return 1;
                  maps[i].fill(static_cast<unsigned char>(0x80 + i));
              }
              return 0;
          }) == 0);
    for (unsigned i = 0; i < 16; ++i)
        CHECK(maps[i].holds(static_cast<unsigned char>(0x80 + i)));
}

TEST_CASE("a region outlives the process that made it", "[device][sharing]") {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    REQUIRE(in_child([&] {
                Region region = Region::of_pages(1);
                region.map_pages(1).fill(0x42);
                ashmem::send_fd(pair[0], region.fd());
                return 0;
            }) == 0);
    Region region(Region::Adopt{ashmem::receive_fd(pair[1]).release()});
    CHECK(region.map_pages(1).holds(0x42));
    close(pair[0]);
    close(pair[1]);
}

TEST_CASE("a holder that is killed leaves the region to the others", "[device][sharing]") {
    Region region = Region::of_pages(1);
    Map map = region.map_pages(1);
    Child holder([&] {
        Map own = region.map_pages(1);
        own.fill(1);
        pause();
        return 0;
    });
    while (holder.running() && map[0] != 1)
        usleep(1000);
    holder.kill();
    holder.wait();
    map.fill(2);
    CHECK(map.holds(2));
    CHECK(region.map_pages(1).holds(2));
}

// SPDX-License-Identifier: Apache-2.0
// Descriptors over Unix sockets: what a peer may send, and what comes of it.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ashmem/fd_passing.hpp>
#include <catch2/catch.hpp>
#include <thread>
#include <tuple>
#include <vector>

#include "support/sockets.hpp"

using ashmem::unique_fd;
using test::open_descriptors;

namespace {

struct Pair {
    explicit Pair(int type = SOCK_STREAM) { std::tie(a, b) = test::socket_pair(type); }
    unique_fd a, b;
};

unique_fd null() {
    return unique_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
}

// Sends so many bytes with so many descriptors, as a peer might.
void send_raw(int sock, std::size_t bytes, const std::vector<int>& fds) {
    test::send_raw(sock, std::vector<std::byte>(bytes), fds);
}

// The error of receiving, and that nothing was received or leaked.
int refused(int sock) {
    const auto before = open_descriptors();
    std::error_code ec;
    const unique_fd fd = ashmem::receive_fd(sock, ec);
    CHECK_FALSE(fd.ok());
    CHECK(open_descriptors() == before);
    return ec.value();
}

} // namespace

TEST_CASE("a received descriptor is close-on-exec and the same file", "[library][host]") {
    Pair pair;
    const unique_fd sent(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    ashmem::send_fd(pair.a.get(), sent.get());
    const unique_fd got = ashmem::receive_fd(pair.b.get());
    CHECK(fcntl(got.get(), F_GETFD) == FD_CLOEXEC);
    REQUIRE(lseek(sent.get(), 100, SEEK_SET) == 100);
    CHECK(lseek(got.get(), 0, SEEK_CUR) == 100);
}

TEST_CASE("descriptors arrive in the order in which they were sent", "[library][host]") {
    Pair pair;
    const unique_fd exe(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), other = null();
    ashmem::send_fd(pair.a.get(), exe.get());
    ashmem::send_fd(pair.a.get(), other.get());
    const unique_fd first = ashmem::receive_fd(pair.b.get());
    const unique_fd second = ashmem::receive_fd(pair.b.get());
    CHECK(lseek(first.get(), 0, SEEK_END) > 0);
    CHECK(lseek(second.get(), 0, SEEK_END) == 0);
}

TEST_CASE("a peer that closes without sending is ECONNRESET", "[library][host]") {
    Pair pair;
    pair.a.reset();
    CHECK(refused(pair.b.get()) == ECONNRESET);
    CHECK_THROWS_AS(ashmem::receive_fd(pair.b.get()), std::system_error);
}

TEST_CASE("sending to a peer that is gone is EPIPE and no signal", "[library][host]") {
    Pair pair;
    pair.b.reset();
    std::error_code ec;
    ashmem::send_fd(pair.a.get(), null().get(), ec);
    CHECK(ec == std::errc::broken_pipe);
}

TEST_CASE("a message without a descriptor is EBADMSG", "[library][host]") {
    for (int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
        Pair pair(type);
        send_raw(pair.a.get(), 1, {});
        CHECK(refused(pair.b.get()) == EBADMSG);
    }
}

TEST_CASE("a message with several descriptors is EBADMSG and all are closed", "[library][host]") {
    for (std::size_t count : {2U, 3U, 100U}) {
        Pair pair;
        const unique_fd fd = null();
        send_raw(pair.a.get(), 1, std::vector<int>(count, fd.get()));
        const int error = refused(pair.b.get());
        CHECK((error == EBADMSG || error == EMSGSIZE));
    }
}

TEST_CASE("descriptors that this process has no numbers for are EMSGSIZE, and closed",
          "[library][host]") {
    Pair pair;
    // of two, the one that is handed over is no answer
    for (const std::size_t left : {0U, 1U}) {
        const unique_fd fd = null();
        CHECK(test::in_time([&] {
                  send_raw(pair.a.get(), 1, std::vector<int>(left + 1, fd.get()));
                  test::leave_numbers(left);
                  std::error_code ec;
                  const unique_fd got = ashmem::receive_fd(pair.b.get(), ec);
                  if (ec.value() != EMSGSIZE || got.ok()) return 1;
                  return left == 0 || fcntl(0, F_DUPFD_CLOEXEC, 0) >= 0 ? 0 : 2;
              }) == 0);
    }
}

TEST_CASE("what the kernel adds to a message on request is no descriptor of the peer's",
          "[library][host]") {
    Pair pair;
    const int on = 1;
    constexpr int passpidfd = 76; // SO_PASSPIDFD, since 6.5
    REQUIRE(setsockopt(pair.b.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    (void)setsockopt(pair.b.get(), SOL_SOCKET, passpidfd, &on, sizeof(on));
    const unique_fd sent = null();
    ashmem::send_fd(pair.a.get(), sent.get());
    const auto before = open_descriptors();
    const unique_fd got = ashmem::receive_fd(pair.b.get());
    CHECK(got.ok());
    CHECK(open_descriptors() == before + 1);
}

TEST_CASE("what comes with a packet of the network is no descriptor", "[library][host]") {
    const unique_fd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    REQUIRE(setsockopt(udp.get(), IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) == 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(own);
    auto* const address = reinterpret_cast<sockaddr*>(&own);
    REQUIRE(bind(udp.get(), address, size) == 0);
    REQUIRE(getsockname(udp.get(), address, &size) == 0);
    REQUIRE(sendto(udp.get(), "x", 1, 0, address, size) == 1);
    CHECK(refused(udp.get()) == EBADMSG);
}

TEST_CASE("signals do not end the sending and receiving of a descriptor", "[library][host]") {
    Pair pair;
    const unique_fd fd = null();
    CHECK(test::in_time([&] {
              std::error_code ec;
              std::thread other([&, thread = test::this_thread()] {
                  test::interrupt(thread, 2);
                  ashmem::send_fd(pair.a.get(), fd.get());
              });
              if (!ashmem::receive_fd(pair.b.get(), ec).ok()) return 1;
              other.join();
              // until there is no room
              while (send(pair.a.get(), "x", 1, MSG_DONTWAIT) == 1) {
              }
              other = std::thread([&, thread = test::this_thread()] {
                  test::interrupt(thread, 2);
                  test::drain(pair.b.get());
              });
              ashmem::send_fd(pair.a.get(), fd.get(), ec);
              if (ec) return 2;
              other.join();
              return 0;
          }) == 0);
}

TEST_CASE("a packet of no or several bytes with a descriptor is EBADMSG and it is closed",
          "[library][host]") {
    for (int type : {SOCK_SEQPACKET, SOCK_DGRAM})
        for (const std::size_t bytes : {0U, 2U}) {
            Pair pair(type);
            const unique_fd fd = null();
            send_raw(pair.a.get(), bytes, {fd.get()});
            CHECK(refused(pair.b.get()) == EBADMSG);
        }
}

TEST_CASE("a descriptor that is none can't be sent", "[library][host]") {
    Pair pair;
    std::error_code ec;
    ashmem::send_fd(pair.a.get(), -1, ec);
    CHECK(ec.value() == EBADF);
    ashmem::send_fd(-1, null().get(), ec);
    CHECK(ec.value() == EBADF);
}

TEST_CASE("a socket that is none can't be received from", "[library][host]") {
    CHECK(refused(-1) == EBADF);
    CHECK(refused(null().get()) == ENOTSOCK);
}

TEST_CASE("unique_fd closes what it owns, once", "[library][host]") {
    const auto before = open_descriptors();
    {
        unique_fd a = null();
        const int number = a.get();
        unique_fd b = std::move(a);
        CHECK_FALSE(a.ok()); // NOLINT(*-move,*.Move)
        CHECK(b.get() == number);
        b = null();
        CHECK(open_descriptors() == before + 1);
        unique_fd c(b.release());
        CHECK_FALSE(b.ok());
        unique_fd& same = c;
        c = std::move(same);
        CHECK(c.get() >= 0);
        CHECK(open_descriptors() == before + 1);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("unique_fd leaves errno as it is when it closes", "[library][host]") {
    unique_fd bad(1000000);
    errno = EXDEV;
    bad.reset();
    CHECK(errno == EXDEV);
}

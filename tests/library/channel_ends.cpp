// SPDX-License-Identifier: Apache-2.0
// Channel: how it ends, for this process's threads and for the other end.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/channel.hpp"
#include "support/process.hpp"
#include "support/scarcity.hpp"

using ashmem::Channel;
using test::bytes_of;
using test::text_of;

namespace {

// Too much for any socket: a send of it waits if nobody reads.
const std::vector<std::byte>& largest() {
    static const std::vector<std::byte> data(Channel::max_data_size);
    return data;
}

ino_t inode(int fd) {
    struct stat status {};
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

int error_of_send(Channel& channel) {
    std::error_code ec;
    channel.send(bytes_of("x"), {}, ec);
    return ec.value();
}

int error_of_receive(Channel& channel) {
    std::error_code ec;
    (void)channel.receive_until(test::late(), ec);
    return ec.value();
}

// The errors of a thread that waits in a send, and of one that waits in a receive, when
// `end` is done to their channel.
struct Woken {
    template <class End>
    Woken(Channel& channel, End end) {
        std::atomic<pid_t> in_send{0}, in_receive{0};
        std::thread sender([&] {
            in_send = test::this_thread();
            std::error_code ec;
            channel.send(largest(), {}, ec);
            send = ec.value();
        });
        std::thread receiver([&] {
            in_receive = test::this_thread();
            std::error_code ec;
            (void)channel.receive(ec);
            receive = ec.value();
        });
        for (const auto* thread : {&in_send, &in_receive}) {
            while (*thread == 0)
                std::this_thread::yield();
            test::wait_until_asleep(*thread);
        }
        end();
        sender.join();
        receiver.join();
    }
    int send = -1, receive = -1;
};

} // namespace

TEST_CASE("a broken channel keeps its descriptor and is ECONNABORTED ever after",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [theirs, end] = test::socket_pair(type);
        const int number = end.get();
        const ino_t socket = inode(number);
        Channel ours(std::move(end));
        test::send_raw(theirs.get(), std::vector<std::byte>(12));
        CHECK(error_of_receive(ours) == EBADMSG);
        CHECK_FALSE(ours.ok());
        CHECK(ours.fd() == number);
        CHECK(inode(number) == socket);
        // also if the next message were a good one
        CHECK(error_of_send(ours) == ECONNABORTED);
        CHECK(error_of_receive(ours) == ECONNABORTED);
        CHECK_THROWS_AS(ours.try_receive(), std::system_error);
        ours = Channel();
        CHECK(inode(number) == 0);
    }
}

TEST_CASE("a message that is refused wakes this process's sender and the other end",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        CHECK(test::in_time([&] {
                  auto ends = test::channels(type);
                  const Woken woken(ends.second, [&] {
                      test::send_raw(ends.first.fd(), std::vector<std::byte>(12));
                  });
                  if (woken.receive != EBADMSG) return 1;
                  if (woken.send != ECONNABORTED) return 2;
                  // what came of the message that was being sent is not one
                  return error_of_receive(ends.first) == ECONNRESET ? 0 : 3;
              }) == 0);
    }
}

TEST_CASE("shutdown wakes the threads that send and receive", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        CHECK(test::in_time([&] {
                  auto ends = test::channels(type);
                  const Woken woken(ends.second, [&] { ends.second.shutdown(); });
                  if (woken.send != ECONNABORTED) return 1;
                  if (woken.receive != ECONNABORTED) return 2;
                  return ends.second.ok() ? 3 : 0;
              }) == 0);
    }
}

TEST_CASE("shutdown wakes a non-blocking send that waits for the rest", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        CHECK(test::in_time([&] {
                  auto ends = test::channels(type);
                  test::set_nonblocking(ends.first.fd());
                  std::thread other([&, thread = test::this_thread()] {
                      test::wait_until_asleep(thread);
                      ends.first.shutdown();
                  });
                  std::error_code ec;
                  ends.first.send(largest(), {}, ec);
                  other.join();
                  return ec.value() == ECONNABORTED ? 0 : 1;
              }) == 0);
    }
}

TEST_CASE("what was sent before a shutdown arrives, and then the end", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        ends.first.send(bytes_of("last words"));
        ends.first.shutdown();
        CHECK(error_of_send(ends.first) == ECONNABORTED);
        CHECK(text_of(ends.second.receive_until(test::late())) == "last words");
        CHECK(error_of_receive(ends.second) == ECONNRESET);
    }
}

TEST_CASE("what a peer sent arrives though it closed with messages unread", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        ends.first.send(bytes_of("never read"));
        ends.second.send(bytes_of("last words"));
        ends.second = Channel();
        CHECK(error_of_send(ends.first) == EPIPE);
        CHECK(text_of(ends.first.receive_until(test::late())) == "last words");
        CHECK(error_of_receive(ends.first) == ECONNRESET);

        ends = test::channels(type);
        ends.first.send(bytes_of("never read"));
        ends.second.send(bytes_of("last words"));
        ends.second = Channel();
        CHECK(text_of(ends.first.receive_until(test::late())) == "last words");
        CHECK(error_of_receive(ends.first) == ECONNRESET);
    }
}

TEST_CASE("a child that destroys its copy of a channel says nothing to the other end",
          "[library][anywhere]") {
    auto ends = Channel::pair();
    CHECK(test::in_child([&] {
              ends.first = Channel();
              ends.second = Channel();
              return 0;
          }) == 0);
    ends.first.send(bytes_of("still here"));
    CHECK(text_of(ends.second.receive_until(test::late())) == "still here");
}

TEST_CASE("a channel that is not connected is EBADF, and is not broken by it",
          "[library][anywhere]") {
    Channel none;
    CHECK(error_of_send(none) == EBADF);
    CHECK(error_of_receive(none) == EBADF);
    none.shutdown();
    CHECK_FALSE(none.ok());
    CHECK(none.fd() == -1);
    CHECK_FALSE(none.release().ok());
    auto ends = Channel::pair();
    const int number = ends.first.fd();
    const auto socket = ends.first.release();
    CHECK(socket.get() == number);
    CHECK(error_of_send(ends.first) == EBADF);
    none = std::move(ends.second);
    CHECK(none.ok());
    CHECK(error_of_receive(ends.second) == EBADF); // NOLINT(*-move,*.Move)
}

TEST_CASE("a socket that is not for messages makes no channel, and is closed",
          "[library][anywhere]") {
    const auto error_of = [](ashmem::unique_fd socket) {
        std::error_code ec;
        const Channel channel(std::move(socket), ec);
        CHECK_FALSE(channel.ok());
        return ec.value();
    };
    const auto before = test::open_descriptors();
    CHECK(error_of(test::socket_pair(SOCK_DGRAM).first) == EPROTOTYPE);
    // of a family that every kernel with sockets has
    CHECK(error_of(ashmem::unique_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))) ==
          EAFNOSUPPORT);
    CHECK(error_of(ashmem::unique_fd(open("/dev/null", O_RDWR | O_CLOEXEC))) == ENOTSOCK);
    CHECK(error_of(ashmem::unique_fd()) == EBADF);
    CHECK_THROWS_AS(Channel(ashmem::unique_fd()), std::system_error);
    CHECK(test::open_descriptors() == before);
}

TEST_CASE("a socket that no channel can be allocated for is ENOMEM, and closed",
          "[library][anywhere]") {
    const auto before = test::open_descriptors();
    // memory for none of the ends, then for one of the two
    for (int allocations = 0; allocations < 2; ++allocations) {
        std::error_code ec;
        {
            const test::Scarcity scarce(allocations);
            (void)Channel::pair(ec);
        }
        CHECK(ec.value() == ENOMEM);
        CHECK(test::open_descriptors() == before);
    }
    auto end = test::socket_pair(SOCK_STREAM).first;
    std::error_code ec;
    {
        const test::Scarcity scarce(0);
        const Channel channel(std::move(end), ec);
    }
    CHECK(ec.value() == ENOMEM);
    CHECK(test::open_descriptors() == before);
}

TEST_CASE("memory that runs out in a receive breaks the channel, and the regions are closed",
          "[library][anywhere]") {
    std::vector<ashmem::Region> two;
    two.push_back(ashmem::Region::create("one", 1));
    two.push_back(ashmem::Region::create("two", 1));
    for (const int type : test::socket_types) {
        // the data, then the regions
        for (int allocations = 0; allocations < 2; ++allocations) {
            auto ends = test::channels(type);
            const auto before = test::open_descriptors();
            ends.first.send(bytes_of("x"), two);
            bool thrown = false;
            {
                const test::Scarcity scarce(allocations);
                try {
                    (void)ends.second.receive_until(test::late());
                } catch (const std::bad_alloc&) {
                    thrown = true;
                }
            }
            CHECK(thrown);
            CHECK_FALSE(ends.second.ok());
            CHECK(error_of_receive(ends.second) == ECONNABORTED);
            CHECK(error_of_receive(ends.first) == ECONNRESET);
            CHECK(test::open_descriptors() == before);
        }
    }
}

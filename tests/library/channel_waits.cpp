// SPDX-License-Identifier: Apache-2.0
// Channel: calls that wait, for how long, and what they leave when they give up.
#include <fcntl.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/channel.hpp"
#include "support/region.hpp"

using ashmem::Channel;
using ashmem::Region;
using test::bytes_of;
using test::magic;
using test::raw;
using test::text_of;

namespace {

// More than a socket holds: that a part was sent shows.
std::vector<std::byte> large() {
    std::vector<std::byte> data(Channel::max_data_size);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i * 31 >> 3);
    return data;
}

// Sends to a non-blocking end until nothing more goes; how many messages went, or -1.
int fill(Channel& channel) {
    constexpr int most = 100000; // no socket holds so many
    std::error_code ec;
    int sent = 0;
    for (; sent < most; ++sent) {
        channel.send(bytes_of("filling"), {}, ec);
        if (ec) break;
    }
    return ec.value() == EAGAIN ? sent : -1;
}

// Interrupts this thread in what it does next, twice; then does something that ends it.
template <class Then>
std::thread interrupting(Then then) {
    return std::thread([thread = test::this_thread(), then] {
        test::interrupt(thread, 2);
        then();
    });
}

} // namespace

TEST_CASE("a non-blocking send waits for the rest of a message that it began",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        auto &ours = ends.first, &theirs = ends.second;
        test::set_nonblocking(ours.fd());
        const auto data = large();
        std::vector<Channel::Message> messages(2);
        std::thread receiver([&] {
            // not before the sender can't go on
            while (test::writable(ours.fd()))
                std::this_thread::yield();
            std::error_code ec;
            for (auto& message : messages)
                message = theirs.receive_until(test::late(), ec);
        });
        std::error_code ec;
        ours.send(data, {}, ec);
        CHECK_FALSE(ec);
        // the receiver may not have made room yet
        if (!ec) ours.send_until(test::late(), bytes_of("next"), {}, ec);
        if (ec) ours = Channel();
        receiver.join();
        CHECK(messages[0].data == data);
        CHECK(text_of(messages[1]) == "next");
    }
}

TEST_CASE("a non-blocking send of which nothing went is EAGAIN and leaves no trace",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        test::set_nonblocking(ours.fd());
        int sent = fill(ours);
        REQUIRE(sent > 0);
        for (; sent > 0; --sent)
            REQUIRE(text_of(theirs.receive_until(test::late())) == "filling");
        CHECK(ours.ok());
        CHECK_FALSE(theirs.try_receive());
        ours.send(bytes_of("next"));
        CHECK(text_of(theirs.receive_until(test::late())) == "next");
    }
}

TEST_CASE("a large message goes through a socket with the smallest buffer", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        const int least = 1;
        REQUIRE(setsockopt(ends.first.fd(), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) == 0);
        const auto data = large();
        std::error_code sent, received;
        std::thread sender([&] {
            ends.first.send_until(test::late(), data, {}, sent);
            ends.first.shutdown();
        });
        const auto message = ends.second.receive_until(test::late(), received);
        sender.join();
        CHECK_FALSE(sent);
        CHECK_FALSE(received);
        CHECK(message.data == data);
    }
}

TEST_CASE("a receive that nothing comes for is ETIMEDOUT in time, and the next one works",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        std::error_code ec;
        const auto until = test::soon();
        (void)theirs.receive_until(until, ec);
        CHECK(ec.value() == ETIMEDOUT);
        CHECK(Channel::Clock::now() >= until);
        (void)theirs.receive_until(Channel::Clock::time_point::min(), ec);
        CHECK(ec.value() == ETIMEDOUT);
        CHECK_THROWS_AS(theirs.receive_until(test::soon()), std::system_error);
        ours.send(bytes_of("there"));
        CHECK(text_of(theirs.receive_until(Channel::Clock::time_point::max())) == "there");
    }
}

TEST_CASE("a byte of a message does not hold a receive for ever, and the rest makes it whole",
          "[library][anywhere]") {
    auto [theirs, end] = test::socket_pair(SOCK_STREAM);
    Channel ours(std::move(end));
    auto region = Region::create("in parts", 1);
    const auto message = raw(magic, 3, 1, 3);
    const std::span bytes(message);
    test::send_raw(theirs.get(), bytes.first(1), {region.fd()});
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        std::error_code ec;
        (void)ours.receive_until(test::soon(), ec);
        CHECK(ec.value() == ETIMEDOUT);
        test::send_raw(theirs.get(), bytes.subspan(at, 1));
    }
    const auto whole = ours.receive_until(test::late());
    CHECK(text_of(whole) == "rrr");
    REQUIRE(whole.regions.size() == 1);
    CHECK(whole.regions[0].name() == "in parts");
}

TEST_CASE("a message's first packet does not hold a receive, and the next makes it whole",
          "[library][anywhere]") {
    auto [theirs, end] = test::socket_pair(SOCK_SEQPACKET);
    Channel ours(std::move(end));
    auto region = Region::create("in parts", 1);
    test::send_raw(theirs.get(), raw(magic, 5001, 1, 5000), {region.fd()});
    std::error_code ec;
    (void)ours.receive_until(test::soon(), ec);
    CHECK(ec.value() == ETIMEDOUT);
    CHECK_FALSE(ours.try_receive());
    test::set_nonblocking(ours.fd());
    (void)ours.receive(ec);
    CHECK(ec.value() == EAGAIN);
    CHECK(ours.ok());
    test::send_raw(theirs.get(), bytes_of("!"));
    const auto whole = ours.receive();
    CHECK(text_of(whole) == std::string(5000, 'r') + '!');
    REQUIRE(whole.regions.size() == 1);
    CHECK(whole.regions[0].name() == "in parts");
}

TEST_CASE("try_receive answers at once, with a message if there is one", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        std::error_code ec;
        CHECK_FALSE(theirs.try_receive(ec));
        CHECK_FALSE(ec);
        ours.send(bytes_of("one"));
        ours.send({});
        auto message = theirs.try_receive();
        REQUIRE(message);
        CHECK(text_of(*message) == "one");
        message = theirs.try_receive();
        REQUIRE(message);
        CHECK(message->data.empty());
        CHECK_FALSE(theirs.try_receive());
        ours = Channel();
        CHECK_FALSE(theirs.try_receive(ec));
        CHECK(ec.value() == ECONNRESET);
    }
}

TEST_CASE("a non-blocking receive is EAGAIN and leaves the channel as it is",
          "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        test::set_nonblocking(theirs.fd());
        std::error_code ec;
        (void)theirs.receive(ec);
        CHECK(ec.value() == EAGAIN);
        ours.send(bytes_of("there"));
        CHECK(text_of(theirs.receive()) == "there");
    }
}

TEST_CASE("poll tells of the message after the one that was received", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        CHECK_FALSE(test::readable(theirs.fd()));
        ours.send(bytes_of("one"));
        ours.send(bytes_of("two"));
        CHECK(text_of(theirs.receive_until(test::late())) == "one");
        CHECK(test::readable(theirs.fd()));
        CHECK(text_of(theirs.receive_until(test::late())) == "two");
        CHECK_FALSE(test::readable(theirs.fd()));
    }
}

TEST_CASE("a send that gives up has sent nothing, or breaks the channel", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto [ours, theirs] = test::channels(type);
        std::error_code ec;
        // a blocking socket, which goes on after a part
        ours.send_until(test::soon(), large(), {}, ec);
        CHECK(ec.value() == ETIMEDOUT);
        CHECK_FALSE(ours.ok());
        CHECK_THROWS_AS(ours.send_until(test::late(), bytes_of("x")), std::system_error);
        (void)theirs.receive_until(test::late(), ec);
        CHECK(ec.value() == ECONNRESET);

        auto [full, other] = test::channels(type);
        test::set_nonblocking(full.fd());
        REQUIRE(fill(full) > 0);
        full.send_until(test::soon(), bytes_of("x"), {}, ec);
        CHECK(ec.value() == ETIMEDOUT);
        CHECK(full.ok());
        test::drain(other.fd());
        full.send_until(test::late(), bytes_of("next"));
        CHECK(text_of(other.receive_until(test::late())) == "next");
    }
}

TEST_CASE("signals end no call of a channel", "[library][anywhere]") {
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        auto &ours = ends.first, &theirs = ends.second;
        CHECK(test::in_time([&] {
                  std::error_code ec;
                  auto other = interrupting([&] { ours.send(bytes_of("one")); });
                  if (text_of(theirs.receive(ec)) != "one") return 1;
                  other.join();
                  other = interrupting([&] { ours.send(bytes_of("two")); });
                  if (text_of(theirs.receive_until(test::late(), ec)) != "two") return 2;
                  other.join();
                  test::set_nonblocking(ours.fd());
                  int sent = fill(ours);
                  if (sent <= 0) return 3;
                  fcntl(ours.fd(), F_SETFL, 0);
                  other = interrupting([&] {
                      for (; sent > 0; --sent)
                          (void)theirs.receive();
                  });
                  ours.send(bytes_of("three"), {}, ec);
                  if (ec) return 4;
                  other.join();
                  return text_of(theirs.receive()) == "three" ? 0 : 5;
              }) == 0);
    }
}

TEST_CASE("an errno of the kernel arrives", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    const ashmem::unique_fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    REQUIRE(dup3(null.get(), ours.fd(), O_CLOEXEC) == ours.fd());
    auto region = Region::create("x", 1);
    const std::span regions(&region, 1);
    for (const std::size_t size : {std::size_t{10}, Channel::max_data_size}) {
        std::error_code ec;
        ours.send(std::vector<std::byte>(size), {}, ec);
        CHECK(ec.value() == ENOTSOCK);
        ours.send(std::vector<std::byte>(size), regions, ec);
        CHECK(ec.value() == ENOTSOCK);
    }
    CHECK(ours.ok());
    std::error_code ec;
    (void)ours.receive(ec);
    CHECK(ec.value() == ENOTSOCK);
    CHECK_FALSE(ours.ok());
}

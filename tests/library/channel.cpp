// SPDX-License-Identifier: Apache-2.0
// Channel: messages with regions, between ends that keep to the rules.
#include <fcntl.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <thread>

#include "support/channel.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::Channel;
using ashmem::Prot;
using ashmem::Region;
using test::bytes_of;
using test::in_child;
using test::page_size;
using test::text_of;

TEST_CASE("a message arrives whole with its regions, the same open files", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    std::vector<Region> regions;
    regions.push_back(Region::create("first", page_size()));
    regions.push_back(Region::create("second", 2 * page_size()));
    auto mapping = regions[1].map(Prot::read_write);
    mapping.bytes()[page_size()] = std::byte{77};
    regions[1].set_protection(Prot::read);
    ours.send(bytes_of("two regions"), regions);
    const auto message = theirs.receive();
    CHECK(text_of(message) == "two regions");
    REQUIRE(message.regions.size() == 2);
    CHECK(message.regions[0].name() == "first");
    CHECK(message.regions[1].size() == 2 * page_size());
    const auto second = message.regions[1].map(Prot::read);
    CHECK(second.bytes()[page_size()] == std::byte{77});
    CHECK(fcntl(message.regions[1].fd(), F_GETFD) == FD_CLOEXEC);
    std::error_code ec;
    CHECK_FALSE(message.regions[1].map(Prot::read_write, ec).ok());
    CHECK(ec.value() == EPERM);
}

TEST_CASE("messages keep their order and their borders, both ways", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    for (int i = 0; i < 20; ++i) {
        std::vector<Region> one;
        if (i % 3 == 0) one.push_back(Region::create(std::to_string(i), 1));
        ours.send(bytes_of(std::string(static_cast<std::size_t>(i), 'x')), one);
    }
    theirs.send(bytes_of("back"), {});
    for (int i = 0; i < 20; ++i) {
        const auto message = theirs.receive();
        CHECK(message.data.size() == static_cast<std::size_t>(i));
        REQUIRE(message.regions.size() == (i % 3 == 0));
        if (i % 3 == 0) CHECK(message.regions[0].name() == std::to_string(i));
    }
    CHECK(text_of(ours.receive()) == "back");
}

TEST_CASE("a message of the largest size arrives in parts and whole", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    std::vector<std::byte> data(Channel::max_data_size);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i * 31 >> 3);
    std::vector<Region> regions;
    for (std::size_t i = 0; i < Channel::max_regions; ++i)
        regions.push_back(Region::create("many", i + 1));
    std::error_code sent, received;
    std::thread sender([&, &from = ours] { from.send(data, regions, sent); });
    const auto message = theirs.receive(received);
    sender.join();
    CHECK_FALSE(sent);
    CHECK_FALSE(received);
    CHECK(message.data == data);
    REQUIRE(message.regions.size() == Channel::max_regions);
    CHECK(message.regions.back().size() == Channel::max_regions);
}

TEST_CASE("a message beyond the limits is EMSGSIZE and nothing is sent", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    std::error_code ec;
    ours.send(std::vector<std::byte>(Channel::max_data_size + 1), {}, ec);
    CHECK(ec.value() == EMSGSIZE);
    std::vector<Region> none(Channel::max_regions + 1);
    ours.send({}, none, ec);
    CHECK(ec.value() == EMSGSIZE);
    none.resize(1);
    ours.send({}, none, ec);
    CHECK(ec.value() == EBADF);
    ours.send(bytes_of("next"), {}, ec);
    CHECK_FALSE(ec);
    CHECK(text_of(theirs.receive()) == "next");
}

TEST_CASE("a channel whose other end closed is ECONNRESET, or EPIPE without a signal",
          "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    theirs = Channel();
    std::error_code ec;
    ours.send(bytes_of("x"), {}, ec);
    CHECK(ec.value() == EPIPE);
    CHECK(ours.ok());
    (void)ours.receive(ec);
    CHECK(ec.value() == ECONNRESET);
    CHECK_FALSE(ours.ok());
    CHECK_THROWS_AS(ours.receive(), std::system_error);
}

TEST_CASE("a region crosses to an unrelated process, which answers through it",
          "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    auto region = Region::create("shared", page_size());
    auto mapping = region.map(Prot::read_write);
    std::vector<Region> regions;
    regions.push_back(std::move(region));
    ours.send(bytes_of("add one"), regions);
    CHECK(in_child([&, &mine = theirs] {
              auto message = mine.receive();
              auto bytes = message.regions.at(0).map(Prot::read_write);
              bytes.bytes()[10] = std::byte{1};
              mine.send(bytes_of("done"), {});
              return 0;
          }) == 0);
    CHECK(text_of(ours.receive()) == "done");
    CHECK(mapping.bytes()[10] == std::byte{1});
}

// SPDX-License-Identifier: Apache-2.0
// Channel: messages with regions, and what a peer may do wrong.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <thread>

#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::Channel;
using ashmem::Prot;
using ashmem::Region;
using test::in_child;
using test::page_size;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(const Channel::Message& message) {
    return {reinterpret_cast<const char*>(message.data.data()), message.data.size()};
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd)
        if (fcntl(fd, F_GETFD) != -1) ++count;
    return count;
}

// bytes as a Channel would send them, with descriptors that it might not
void send_raw(int socket, std::span<const std::uint32_t> words, std::vector<int> fds) {
    iovec data{const_cast<std::uint32_t*>(words.data()), words.size_bytes()};
    alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    REQUIRE(sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(words.size_bytes()));
}

constexpr std::uint32_t magic = 0x61736863;

// what becomes of such a message; the channel must be closed and nothing left open
int error_of_raw(std::span<const std::uint32_t> words, const std::vector<int>& fds) {
    auto [ours, theirs] = Channel::pair();
    const auto before = open_descriptors();
    send_raw(ours.fd(), words, fds);
    shutdown(ours.fd(), SHUT_WR);
    std::error_code ec;
    CHECK(theirs.receive(ec).regions.empty());
    CHECK(theirs.fd() == -1);
    CHECK(open_descriptors() == before - 1);
    return ec.value();
}

} // namespace

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
    std::thread sender([&, &from = ours] { from.send(data, regions); });
    const auto message = theirs.receive();
    sender.join();
    CHECK(message.data == data);
    REQUIRE(message.regions.size() == Channel::max_regions);
    CHECK(message.regions.back().size() == Channel::max_regions);
}

TEST_CASE("a message beyond the limits is EMSGSIZE and nothing is sent", "[library][anywhere]") {
    auto [ours, theirs] = Channel::pair();
    std::error_code ec;
    ours.send(std::vector<std::byte>(Channel::max_data_size + 1), {}, ec);
    CHECK(ec.value() == EMSGSIZE);
    std::vector<Region> none(1);
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
    (void)ours.receive(ec);
    CHECK(ec.value() == ECONNRESET);
    ours.send(bytes_of("x"), {}, ec);
    CHECK(ec.value() == EBADF);
    CHECK_THROWS_AS(ours.receive(), std::system_error);
}

TEST_CASE("a peer that dies within a message is ECONNRESET, and its regions are closed",
          "[library][anywhere]") {
    auto region = Region::create("orphan", 1);
    const std::uint32_t words[] = {magic, 100, 1, 0};
    CHECK(error_of_raw(words, {region.fd()}) == ECONNRESET);
    CHECK(error_of_raw(std::span(words).first(2), {region.fd()}) == ECONNRESET);
}

TEST_CASE("garbage is EBADMSG, and what came with it is closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const int fd = region.fd();
    const std::uint32_t garbage[] = {0x12345678, 4, 0, 0};
    const std::uint32_t huge[] = {magic, 0xffffffff, 0, 0};
    const std::uint32_t too_large[] = {magic, (1 << 20) + 1, 0, 0};
    const std::uint32_t too_many[] = {magic, 0, 254};
    const std::uint32_t fewer[] = {magic, 4, 2, 0};
    const std::uint32_t none[] = {magic, 4, 0, 0};
    CHECK(error_of_raw(garbage, {fd, fd}) == EBADMSG);
    CHECK(error_of_raw(huge, {}) == EBADMSG);
    CHECK(error_of_raw(too_large, {}) == EBADMSG);
    CHECK(error_of_raw(too_many, {fd}) == EBADMSG);
    CHECK(error_of_raw(fewer, {fd}) == EBADMSG);
    CHECK(error_of_raw(none, {fd}) == EBADMSG);
}

TEST_CASE("a descriptor within a message's data is EBADMSG, and closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    auto [ours, theirs] = Channel::pair();
    const auto before = open_descriptors();
    const std::uint32_t words[] = {magic, 8, 0};
    const std::uint32_t data[] = {1};
    send_raw(ours.fd(), words, {});
    send_raw(ours.fd(), data, {region.fd()});
    send_raw(ours.fd(), data, {});
    std::error_code ec;
    (void)theirs.receive(ec);
    CHECK(ec.value() == EBADMSG);
    CHECK(open_descriptors() == before - 1);
}

TEST_CASE("a descriptor of another kind is ENOTTY, and all are closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const ashmem::unique_fd other(open("/dev/null", O_RDWR | O_CLOEXEC));
    const std::uint32_t words[] = {magic, 0, 3};
    CHECK(error_of_raw(words, {region.fd(), other.get(), region.fd()}) == ENOTTY);
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

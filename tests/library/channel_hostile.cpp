// SPDX-License-Identifier: Apache-2.0
// Channel: what a peer may send that no Channel does, and that nothing of it stays open.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>

#include "support/channel.hpp"

using ashmem::Channel;
using ashmem::Region;
using test::magic;
using test::raw;

namespace {

constexpr std::size_t packet = 65536;

// What becomes of parts that a peer sends before it is gone, the descriptors with the
// first. The channel must be broken, and nothing left open.
int error_of(int type, const std::vector<std::vector<std::byte>>& parts,
             const std::vector<int>& fds = {}) {
    auto [theirs, end] = test::socket_pair(type);
    Channel ours(std::move(end));
    const auto before = test::open_descriptors();
    for (std::size_t i = 0; i < parts.size(); ++i)
        test::send_raw(theirs.get(), parts[i], i == 0 ? fds : std::vector<int>());
    shutdown(theirs.get(), SHUT_WR);
    std::error_code ec;
    const auto message = ours.receive_until(test::late(), ec);
    CHECK(message.data.empty());
    CHECK(message.regions.empty());
    CHECK_FALSE(ours.ok());
    CHECK(test::open_descriptors() == before);
    return ec.value();
}

std::vector<std::byte> first_of(const std::vector<std::byte>& bytes, std::size_t count) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

} // namespace

TEST_CASE("a peer that dies within a message is ECONNRESET, and its regions are closed",
          "[library][anywhere]") {
    auto region = Region::create("orphan", 1);
    const std::vector<int> two(2, region.fd());
    CHECK(error_of(SOCK_STREAM, {raw(magic, 100, 2, 4)}, two) == ECONNRESET);
    CHECK(error_of(SOCK_STREAM, {first_of(raw(magic, 100, 2), 8)}, two) == ECONNRESET);
    CHECK(error_of(SOCK_SEQPACKET, {raw(magic, 9000, 2, 8000)}, two) == ECONNRESET);
    for (const int type : test::socket_types)
        CHECK(error_of(type, {}) == ECONNRESET);
}

TEST_CASE("garbage is EBADMSG, and what came with it is closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const std::vector<int> two(2, region.fd());
    for (const int type : test::socket_types) {
        CHECK(error_of(type, {raw(0x12345678, 4, 2, 4)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 0xffffffff, 2)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, (1 << 20) + 1, 2)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 0, 254)}, two) == EBADMSG);
        CHECK(error_of(type, {std::vector<std::byte>(12)}, two) == EBADMSG);
    }
}

TEST_CASE("descriptors that are not as many as said are EBADMSG, and closed",
          "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const std::vector<int> two(2, region.fd()), all(Channel::max_regions, region.fd());
    for (const int type : test::socket_types) {
        CHECK(error_of(type, {raw(magic, 4, 3, 4)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 4, 1, 4)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 4, 0, 4)}, two) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 0, 1)}) == EBADMSG);
        CHECK(error_of(type, {raw(magic, 0, 1)}, all) == EBADMSG);
    }
}

TEST_CASE("a packet that is not as long as its message is EBADMSG", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const std::vector<int> two(2, region.fd());
    const auto header = raw(magic, 100, 2);
    CHECK(error_of(SOCK_SEQPACKET, {first_of(header, 1)}, two) == EBADMSG);
    CHECK(error_of(SOCK_SEQPACKET, {first_of(header, 11)}, two) == EBADMSG);
    CHECK(error_of(SOCK_SEQPACKET, {raw(magic, 100, 2, 99)}, two) == EBADMSG);
    CHECK(error_of(SOCK_SEQPACKET, {raw(magic, 100, 2, 101)}, two) == EBADMSG);
    // with the buffer full the rest of the packet is gone
    const auto rest = packet - test::header_size;
    CHECK(error_of(SOCK_SEQPACKET, {raw(magic, rest, 2, rest + 1)}, two) == EBADMSG);
}

TEST_CASE("a message in packets smaller than a Channel's is EBADMSG", "[library][anywhere]") {
    const std::vector<std::byte> small(1);
    CHECK(error_of(SOCK_SEQPACKET, {raw(magic, 9000, 0, 5000), small, small}) == EBADMSG);
}

TEST_CASE("a packet of no bytes is the end, or EBADMSG if it has descriptors",
          "[library][anywhere]") {
    auto region = Region::create("x", 1);
    CHECK(error_of(SOCK_SEQPACKET, {{}}) == ECONNRESET);
    CHECK(error_of(SOCK_SEQPACKET, {{}}, {region.fd(), region.fd()}) == EBADMSG);
}

TEST_CASE("a descriptor within a message's data is EBADMSG, and closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    for (const int type : test::socket_types)
        // also beyond the most that a message has
        for (const std::uint32_t said : {std::uint32_t{0}, std::uint32_t{Channel::max_regions}}) {
            auto [theirs, end] = test::socket_pair(type);
            Channel ours(std::move(end));
            const auto before = test::open_descriptors();
            test::send_raw(theirs.get(), raw(magic, 5004, said, 5000),
                           std::vector<int>(said, region.fd()));
            test::send_raw(theirs.get(), std::vector<std::byte>(4), {region.fd(), region.fd()});
            std::error_code ec;
            (void)ours.receive_until(test::late(), ec);
            CHECK(ec.value() == EBADMSG);
            CHECK(test::open_descriptors() == before);
        }
}

TEST_CASE("a descriptor of another kind is ENOTTY, and all are closed", "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const ashmem::unique_fd other(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int type : test::socket_types)
        CHECK(error_of(type, {raw(magic, 0, 3)}, {region.fd(), other.get(), region.fd()}) ==
              ENOTTY);
}

TEST_CASE("regions that this process has no numbers for are EMSGSIZE, and closed",
          "[library][anywhere]") {
    auto region = Region::create("x", 1);
    const std::array two{Region::dup(region.fd()), Region::dup(region.fd())};
    for (const int type : test::socket_types) {
        auto ends = test::channels(type);
        // one region arrives, as if it were all that was sent
        CHECK(test::in_time([&] {
                  ends.first.send({}, two);
                  test::leave_numbers(1);
                  std::error_code ec;
                  (void)ends.second.receive(ec);
                  const int free = fcntl(0, F_DUPFD_CLOEXEC, 0);
                  return ec.value() != EMSGSIZE ? 1 : free < 0 ? 2 : 0;
              }) == 0);
    }
}

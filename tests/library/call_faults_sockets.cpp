// SPDX-License-Identifier: Apache-2.0
// Each system call of passing regions on fails once. A message then comes whole, or not at all
// and both ends know how they stand; no descriptor is lost on the way.
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <chrono>

#include "support/call_fault.hpp"
#include "support/channel.hpp"
#include "support/region.hpp"
#include "support/sockets.hpp"

using ashmem::Channel;
using ashmem::Region;
using test::CallFault;
using test::channels;
using test::need;
using test::page_size;

namespace {

Region made() {
    return Region::create("swept", page_size());
}

void need_message(const Channel::Message& message) {
    need(test::text_of(message) == "text" && message.regions.size() == 1, "another message");
    need(message.regions[0].name() == "swept", "another region");
}

void send_one(Channel& from) {
    const Region regions[] = {made()};
    from.send(test::bytes_of("text"), regions);
}

// that the two are as they were
void need_passes(Channel& from, Channel& to) {
    send_one(from);
    need_message(to.receive_until(test::late()));
}

using Send = void (*)(Channel&, std::span<const Region>);
using Receive = Channel::Message (*)(Channel&);

void attempt_send(CallFault& fault, int type, Send send) {
    auto [from, to] = channels(type);
    const Region region = made();
    const int error = fault.in([&, &from = from] {
        send(from, std::span(&region, 1));
        return 0;
    });
    // nothing was sent of what failed
    if (error == 0) need_message(to.receive_until(test::late()));
    need_passes(from, to);
    need(!to.try_receive().has_value(), "more than was sent");
}

void attempt_receive(CallFault& fault, int type, Receive receive) {
    auto [from, to] = channels(type);
    send_one(from);
    Channel::Message message;
    // a region that the driver's node is not found for is taken for none
    const int error = fault.in(
        [&, &to = to] {
            message = receive(to);
            return 0;
        },
        {ENOTTY});
    need(to.ok() == (error == 0), "whether it is broken");
    if (error == 0) {
        need_message(message);
        need_passes(from, to);
    } else {
        need(message.data.empty() && message.regions.empty(), "half a message");
    }
}

} // namespace

TEST_CASE("a socket becomes a Channel or is closed, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({
        {"pair",
         [](CallFault& fault) {
             std::pair<Channel, Channel> ends;
             const int error = fault.in([&] {
                 ends = Channel::pair();
                 return 0;
             });
             need(ends.first.ok() == (error == 0), "whether there is one");
             if (error == 0) need_passes(ends.first, ends.second);
         }},
        {"of a socket",
         [](CallFault& fault) {
             auto [first, second] = test::socket_pair(SOCK_STREAM);
             Channel channel;
             const int error = fault.in([&, &first = first] {
                 channel = Channel(std::move(first));
                 return 0;
             });
             need(channel.ok() == (error == 0), "whether there is one");
             Channel other(std::move(second));
             if (error == 0) need_passes(channel, other);
         }},
    });
}

TEST_CASE("a message is sent whole or not at all, whichever system call fails",
          "[library][anywhere]") {
    for (const int type : test::socket_types)
        test::sweep_calls({
            {"send",
             [=](CallFault& fault) {
                 attempt_send(fault, type, [](Channel& from, std::span<const Region> regions) {
                     from.send(test::bytes_of("text"), regions);
                 });
             }},
            {"send_until",
             [=](CallFault& fault) {
                 attempt_send(fault, type, [](Channel& from, std::span<const Region> regions) {
                     from.send_until(test::late(), test::bytes_of("text"), regions);
                 });
             }},
        });
}

TEST_CASE("a message is received whole or breaks the channel, whichever system call fails",
          "[library][anywhere]") {
    for (const int type : test::socket_types)
        test::sweep_calls({
            {"receive",
             [=](CallFault& fault) {
                 attempt_receive(fault, type, [](Channel& to) { return to.receive(); });
             }},
            {"receive_until",
             [=](CallFault& fault) {
                 attempt_receive(fault, type,
                                 [](Channel& to) { return to.receive_until(test::late()); });
             }},
            {"try_receive",
             [=](CallFault& fault) {
                 attempt_receive(fault, type, [](Channel& to) { return to.try_receive().value(); });
             }},
        });
}

TEST_CASE("a wait for a message ends in time or says why, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({{"receive_until", [](CallFault& fault) {
                            auto [from, to] = channels(SOCK_SEQPACKET);
                            const int error = fault.in(
                                [&to = to] {
                                    std::error_code ec;
                                    (void)to.receive_until(test::soon(), ec);
                                    need(bool(ec), "a message that nobody sent");
                                    return ec;
                                },
                                {ETIMEDOUT});
                            need(to.ok() == (error == ETIMEDOUT), "whether it is broken");
                            if (to.ok()) need_passes(from, to);
                        }}});
}

TEST_CASE("a descriptor is sent and received or not, whichever system call fails",
          "[library][anywhere]") {
    for (const int type : test::socket_types)
        test::sweep_calls({
            {"send_fd",
             [=](CallFault& fault) {
                 const auto [from, to] = test::socket_pair(type);
                 const Region region = made();
                 const int error = fault.in([&, &from = from] {
                     ashmem::send_fd(from.get(), region.fd());
                     return 0;
                 });
                 need(test::readable(to.get()) == (error == 0), "whether it was sent");
             }},
            {"receive_fd",
             [=](CallFault& fault) {
                 const auto [from, to] = test::socket_pair(type);
                 ashmem::send_fd(from.get(), made().fd());
                 ashmem::unique_fd fd;
                 const int error = fault.in([&, &to = to] {
                     fd = ashmem::receive_fd(to.get());
                     return 0;
                 });
                 need(fd.ok() == (error == 0), "whether it came");
                 if (error == 0) need(Region::adopt(std::move(fd)).name() == "swept", "another");
             }},
        });
}

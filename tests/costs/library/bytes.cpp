// SPDX-License-Identifier: Apache-2.0
// Bytes that other processes see: messages, copies, a lock.
#include <sys/socket.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "rows.hpp"

namespace costs::library {
namespace {

void ask_channel() {
    static std::array<std::byte, 64> message;
    auto channels = ashmem::Channel::pair();
    auto &ours = channels.first, &theirs = channels.second;
    std::array<int, 2> ends{};
    // of the channel's own kind
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    const ashmem::unique_fd from(ends[0]), to(ends[1]);
    row(
        "Channel, 64 bytes sent and received", 1.3,
        [&] {
            ours.send(message, {});
            use(theirs.receive().data.data());
        },
        [&] {
            std::array<std::byte, 64> got;
            must(send(from.get(), message.data(), message.size(), MSG_NOSIGNAL), "send");
            must(recv(to.get(), got.data(), got.size(), 0), "recv");
        });
}

void ask_copies() {
    for (const std::size_t size :
         {std::size_t{64}, std::size_t{4} << 10, std::size_t{64} << 10, std::size_t{1} << 20}) {
        const auto region = ashmem::Region::create("costs", size);
        const auto mapping = region.map(ashmem::Prot::read_write);
        std::vector<std::byte> to(size);
        const std::string what = "copy_out of " + std::to_string(size) + " bytes";
        row(
            what.c_str(), size < 4096 ? no_target : 1.3,
            [&] {
                ashmem::copy_out(mapping.bytes(), 0, to);
                use(to.data());
            },
            [&] {
                std::memcpy(to.data(), mapping.bytes().data(), size);
                use(to.data());
            });
    }
}

void ask_mutex() {
    // libc's takes no atomic step in a program without threads, which needs no lock
    std::mutex wait;
    wait.lock();
    std::thread other([&] { const std::lock_guard guard(wait); });
    const auto region = ashmem::Region::create("costs", 4096);
    auto mapping = region.map(ashmem::Prot::read_write);
    auto& shared = ashmem::SharedMutex::create_in(mapping.bytes());
    std::mutex plain;
    row(
        "SharedMutex locked, unlocked", 1.5, [&] { const auto lock = shared.lock(); },
        [&] { const std::lock_guard guard(plain); });
    wait.unlock();
    other.join();
}

} // namespace

void ask_bytes() {
    ask_channel();
    ask_copies();
    ask_mutex();
}

} // namespace costs::library

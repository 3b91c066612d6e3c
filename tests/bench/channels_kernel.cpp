// SPDX-License-Identifier: Apache-2.0
// Bytes that the kernel carries: sockets, pipes, and another process's memory read. Buffers
// are as large as a process without rights may have them, up to 1 MiB.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/unique_fd.hpp>
#include <stdexcept>

#include "channels.hpp"
#include "costs/measure.hpp"
#include "counter.hpp"

namespace bench::channels {
namespace {

using ashmem::unique_fd;
using costs::must;

// Calls move with what is left until all was moved; move says how much that was.
template <typename Byte, typename Move>
void all_of(std::span<Byte> bytes, const Move& move) {
    while (!bytes.empty()) {
        const long moved = must(move(bytes), "moving bytes");
        if (moved == 0) throw std::runtime_error("the other side has closed");
        bytes = bytes.subspan(static_cast<std::size_t>(moved));
    }
}

class Socket final : public Way {
public:
    explicit Socket(int type) : most_(type == SOCK_DGRAM ? datagram : capacity) {
        std::array<int, 2> ends{};
        must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
        from_.reset(ends[0]);
        to_.reset(ends[1]);
        const int size = capacity;
        must(setsockopt(from_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), "SO_SNDBUF");
    }
    void send(std::span<const std::byte> bytes) override {
        all_of(bytes, [this](auto left) {
            return ::send(from_.get(), left.data(), std::min(left.size(), most_), MSG_NOSIGNAL);
        });
    }
    void receive(std::span<std::byte> bytes) override {
        all_of(bytes, [this](auto left) {
            return ::recv(to_.get(), left.data(), std::min(left.size(), most_), 0);
        });
    }

private:
    // a message longer than net.core.wmem_max cannot be one
    static constexpr std::size_t datagram = std::size_t{64} << 10;
    std::size_t most_;
    unique_fd from_, to_;
};

// Two ends, the second of which may hold capacity bytes.
class Pipe {
public:
    Pipe() {
        std::array<int, 2> ends{};
        must(pipe2(ends.data(), O_CLOEXEC), "pipe2");
        out_.reset(ends[0]);
        in_.reset(ends[1]);
        must(fcntl(in_.get(), F_SETPIPE_SZ, capacity), "F_SETPIPE_SZ");
    }
    void write_all(std::span<const std::byte> bytes) const {
        all_of(bytes, [this](auto left) { return ::write(in_.get(), left.data(), left.size()); });
    }
    void read_all(std::span<std::byte> bytes) const {
        all_of(bytes, [this](auto left) { return ::read(out_.get(), left.data(), left.size()); });
    }
    void splice_all(std::span<const std::byte> bytes) const {
        all_of(bytes, [this](auto left) {
            const iovec part{const_cast<std::byte*>(left.data()), left.size()};
            return vmsplice(in_.get(), &part, 1, 0);
        });
    }

private:
    unique_fd out_, in_;
};

class Written final : public Way {
public:
    void send(std::span<const std::byte> bytes) override { pipe_.write_all(bytes); }
    void receive(std::span<std::byte> bytes) override { pipe_.read_all(bytes); }

private:
    Pipe pipe_;
};

// The sender's pages are in the pipe: it may not change them until they were read.
class Spliced final : public Way {
public:
    void send(std::span<const std::byte> bytes) override {
        const std::uint32_t before = read_->value();
        pipe_.splice_all(bytes);
        read_->wait_for(before + 1);
    }
    void receive(std::span<std::byte> bytes) override {
        pipe_.read_all(bytes);
        read_->add();
    }

private:
    Pipe pipe_;
    Shared<Counter> read_;
};

// The receiver copies out of the sender's memory, which may not change meanwhile.
class Fetched final : public Way {
public:
    void send(std::span<const std::byte> bytes) override {
        const std::uint32_t before = offer_->taken.value();
        offer_->sender = getpid();
        offer_->bytes = const_cast<std::byte*>(bytes.data());
        offer_->made.add();
        offer_->taken.wait_for(before + 1);
    }
    void receive(std::span<std::byte> bytes) override {
        offer_->made.wait_for(offer_->taken.value() + 1);
        std::byte* from = offer_->bytes;
        all_of(bytes, [&](auto left) {
            const iovec here{left.data(), left.size()}, there{from, left.size()};
            const ssize_t moved = process_vm_readv(offer_->sender, &here, 1, &there, 1, 0);
            from += moved;
            return moved;
        });
        offer_->taken.add();
    }

private:
    struct Offer {
        Counter made, taken;
        pid_t sender;
        std::byte* bytes;
    };
    Shared<Offer> offer_;
};

template <typename T, auto... arguments>
std::unique_ptr<Way> make() {
    return std::make_unique<T>(arguments...);
}

} // namespace

std::vector<Named> of_the_kernel() {
    return {{"Unix stream", make<Socket, SOCK_STREAM>},
            {"Unix datagram", make<Socket, SOCK_DGRAM>},
            {"pipe", make<Written>},
            {"vmsplice", make<Spliced>},
            {"process_vm_readv", make<Fetched>}};
}

} // namespace bench::channels

// SPDX-License-Identifier: Apache-2.0
// Feeds a channel, of packets or over a stream, with any bytes in parts, and with descriptors
// of any kind beside any part.
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ashmem/channel.hpp>
#include <cstdlib>
#include <cstring>

#include "../../libashmem/src/cxx/ancillary.hpp"
#include "input.hpp"

namespace {

int lowest_free() {
    const int fd = dup(0);
    close(fd);
    return fd;
}

// Receives what is there. True if the channel is whole after it.
bool receive_all(ashmem::Channel& channel) {
    std::error_code ec;
    while (const auto message = channel.try_receive(ec)) {
        if (message->data.size() > ashmem::Channel::max_data_size) abort();
        for (const auto& one : message->regions)
            if (!one.ok() || one.size() != 4096) abort();
    }
    // after garbage nothing more is believed
    if (channel.ok() == static_cast<bool>(ec)) abort();
    return channel.ok();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int region = ashmem_create_region("fuzz", 4096);
    static const int foreign = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int before = lowest_free();
    {
        fuzz::Input input(data, size);
        const bool packets = input.number<std::uint8_t>() % 2 == 0;
        int ends[2];
        if (socketpair(AF_UNIX, (packets ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0, ends))
            abort();
        ashmem::unique_fd theirs(ends[0]);
        ashmem::Channel ours{ashmem::unique_fd(ends[1])};
        std::vector<std::byte> part;
        for (int parts = 0; parts < 4 && input.left() > 0 && ours.ok(); ++parts) {
            std::vector<int> fds(input.number<std::uint8_t>() % 8);
            for (int& fd : fds)
                fd = input.number<std::uint8_t>() % 4 == 0 ? foreign : region;
            const auto given = std::min<std::size_t>(input.number<std::uint8_t>(), input.left());
            const auto bytes = input.rest().first(given);
            part.assign(bytes.begin(), bytes.end());
            for (std::size_t i = 0; i < given; ++i)
                (void)input.number<std::uint8_t>();
            // zeros after what was given: the rest of a long message, or too much of it
            part.resize(given + std::size_t{2048} * (input.number<std::uint8_t>() % 8));
            if (part.empty() && !packets) continue;
            if (ashmem::ancillary::send(theirs.get(), part, {}, fds, MSG_DONTWAIT) < 0) abort();
            if (input.number<std::uint8_t>() % 2 == 0) (void)receive_all(ours);
        }
        theirs.reset();
        while (ours.ok())
            (void)receive_all(ours);
    }
    if (lowest_free() != before) abort(); // a descriptor was left open
    return 0;
}

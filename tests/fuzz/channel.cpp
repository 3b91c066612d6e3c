// SPDX-License-Identifier: Apache-2.0
// Feeds a channel with any bytes, and with descriptors of any kind beside the first.
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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int region = ashmem_create_region("fuzz", 4096);
    static const int foreign = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int before = lowest_free();
    {
        fuzz::Input input(data, size);
        auto [theirs, ours] = ashmem::Channel::pair();
        // more than a socket holds would wait for a reader
        std::vector<int> fds(input.number<std::uint8_t>() % 8);
        for (int& fd : fds)
            fd = input.number<std::uint8_t>() % 4 == 0 ? foreign : region;
        std::span<const std::byte> rest =
            input.rest().first(std::min<std::size_t>(input.left(), 65536));
        // in two pieces, so that a message is read in parts
        const std::size_t cut = rest.size() / 2;
        if (!rest.empty() &&
            ashmem::ancillary::send(theirs.fd(), rest.first(rest.size() - cut), fds) < 0)
            abort();
        if (cut != 0 && ashmem::ancillary::send(theirs.fd(), rest.last(cut), {}) < 0) abort();
        theirs = ashmem::Channel();
        std::error_code ec;
        while (!ec) {
            const auto message = ours.receive(ec);
            if (message.data.size() > ashmem::Channel::max_data_size) abort();
            for (const auto& one : message.regions)
                if (!one.ok() || one.size() != 4096) abort();
        }
        // after an invalid message the channel stays unusable
        if (ours.fd() != -1) abort();
    }
    if (lowest_free() != before) abort(); // a descriptor was left open
    return 0;
}

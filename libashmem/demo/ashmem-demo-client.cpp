// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Act one, the taker: reads a region it was given, and tries to change it.
 *
 *     ashmem-demo-client SOCKET
 *
 * Uses the C++ classes. It never sees the file that the region was filled from.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "sha256.hpp"
#include "story.hpp"
#include "system.hpp"

namespace {

using ashmem::Mapping;
using ashmem::Prot;
using ashmem::Region;
using demo::check;
using demo::Story;

Region receive_at(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);

    const ashmem::unique_fd sock(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    check(::connect(sock.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
          "connect");
    return Region::adopt(ashmem::receive_fd(sock.get()));
}

/** Read-only must hold against every way in that a process has to its own memory. */
void try_to_write(Story& story, const Region& region, const Mapping& mapping) {
    std::error_code ec;
    const Mapping writable = region.map(Prot::read_write, ec);
    story.expect_refusal("mapping it for writing", EPERM, !ec, ec.value());

    const std::span<const std::byte> bytes = mapping.bytes();
    void* data = const_cast<std::byte*>(bytes.data());
    const bool opened_up = ::mprotect(data, bytes.size(), PROT_READ | PROT_WRITE) == 0;
    story.expect_refusal("mprotect() of the map to writing", EACCES, opened_up, errno);

    const ashmem::unique_fd memory(
        check(::open("/proc/self/mem", O_RDWR | O_CLOEXEC), "open /proc/self/mem"));
    const ssize_t written =
        ::pwrite(memory.get(), "x", 1, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(data)));
    story.expect_refusal("writing to it through /proc/self/mem", EIO, written > 0, errno);
}

void use_region(Story& story, const Region& region) {
    story.ok("received region \"%s\", %s bytes, fd %d", region.name().c_str(),
             demo::commas(region.size()).c_str(), region.fd());

    const Mapping mapping = region.map(Prot::read);
    const demo::MapsLine line = demo::maps_line(mapping.bytes().data());
    story.ok("mapped it for reading; its line in /proc/self/maps:");
    story.show(line.text);

    const std::string digest = demo::sha256(mapping.bytes());
    story.ok("SHA-256 of what it sees:");
    story.show(digest);

    try_to_write(story, region, mapping);
    story.expect("bytes after these attempts", "unchanged",
                 demo::sha256(mapping.bytes()) == digest ? "unchanged" : "changed");

    Story::fact("fd", std::to_string(region.fd()));
    Story::fact("inode", line.inode);
    Story::fact("sha256", digest);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: ashmem-demo-client SOCKET\n");
        return 2;
    }
    Story story("client");
    try {
        story.ok("is process %d, a program of its own", ::getpid());
        use_region(story, receive_at(argv[1]));
    } catch (const std::exception& error) {
        story.failed("act one", "no error", error.what());
    }
    return story.status();
}

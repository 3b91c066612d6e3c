// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Act one, the giver: puts a file into a region and gives it away read-only.
 *
 *     ashmem-demo-server FILE SOCKET
 *
 * Uses the C functions, as a program written for Android would.
 */
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/fd_passing.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstdio>
#include <exception>

#include "story.hpp"
#include "system.hpp"

namespace {

using demo::check;
using demo::commas;
using demo::Story;

/** Wait at a path for one client. */
ashmem::unique_fd accept_at(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);

    const ashmem::unique_fd listener(
        check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
          "bind");
    check(::listen(listener.get(), 1), "listen");
    // A client that never comes must not keep the demo waiting.
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    check(::setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
          "SO_RCVTIMEO");
    Story::fact("listening", path);
    return ashmem::unique_fd(
        check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
}

/** Make the region, fill it from the file and narrow it. Its map is left in place. */
ashmem::unique_fd make_region(Story& story, const char* path) {
    const std::vector<std::byte> file = demo::read_file(path);
    ashmem::unique_fd region(
        check(ashmem_create_region("handover", file.size()), "ashmem_create_region"));
    story.ok("made region \"handover\", %s bytes, fd %d",
             commas(static_cast<std::uint64_t>(ashmem_get_size_region64(region.get()))).c_str(),
             region.get());

    const std::span<std::byte> bytes = demo::map_region(region.get(), file.size());
    std::ranges::copy(file, bytes.begin());
    const demo::MapsLine line = demo::maps_line(bytes.data());
    story.ok("filled it from the file; its line in /proc/self/maps:");
    story.show(line.text);

    check(ashmem_set_prot_region(region.get(), PROT_READ), "ashmem_set_prot_region");
    story.expect("narrowed the region; maps from now on may ask for", "PROT_READ only",
                 ashmem_get_prot_region(region.get()) == PROT_READ ? "PROT_READ only" : "more");

    Story::fact("fd", std::to_string(region.get()));
    Story::fact("inode", line.inode);
    return region;
}

void give_away(Story& story, const ashmem::unique_fd& region, const char* path) {
    const ashmem::unique_fd client = accept_at(path);
    ucred peer{};
    socklen_t length = sizeof(peer);
    check(::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length), "SO_PEERCRED");
    ashmem::send_fd(client.get(), region.get());
    story.ok("passed fd %d to process %d over a Unix socket, and ends", region.get(), peer.pid);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: ashmem-demo-server FILE SOCKET\n");
        return 2;
    }
    Story story("server");
    try {
        story.ok("is process %d", ::getpid());
        const ashmem::unique_fd region = make_region(story, argv[1]);
        give_away(story, region, argv[2]);
    } catch (const std::exception& error) {
        story.failed("act one", "no error", error.what());
    }
    return story.status();
}

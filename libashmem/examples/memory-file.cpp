// SPDX-License-Identifier: Apache-2.0
// The smallest example: makes a file in memory and passes it to another process, which
// writes at an offset; then reads that here.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <iostream>
#include <string_view>

namespace {

constexpr int size = 4096, offset = 100;
constexpr std::string_view greeting = "written by the other process";

// Opens the file that it receives, and writes.
int other_process(ashmem::Channel& channel) {
    auto message = channel.receive();
    ashmem::MemoryFile file(message.regions.at(0).release());
    file.writeBytes(std::as_bytes(std::span(greeting)), 0, offset, greeting.size());
    channel.send({}); // done
    return 0;
}

int run() {
    auto [ours, theirs] = ashmem::Channel::pair();
    const pid_t child = fork();
    if (child == 0) {
        ours = ashmem::Channel();
        return other_process(theirs);
    }
    theirs = ashmem::Channel();

    ashmem::MemoryFile file("greeting", size);
    const auto regions = std::array{ashmem::Region::dup(file.getFd())};
    ours.send({}, regions);
    (void)ours.receive();

    std::array<std::byte, greeting.size()> read{};
    file.readBytes(read, offset, 0, read.size());
    std::cout.write(reinterpret_cast<const char*>(read.data()), read.size()) << '\n';
    std::cout << "the file has " << file.length() << " bytes; ";

    // Beyond its end there is nothing to read, and that is an error, not a crash.
    std::error_code ec;
    file.readBytes(read, size - 1, 0, read.size(), ec);
    std::cout << "reading over its end: " << ec.message() << '\n';
    file.close();

    int status = -1;
    waitpid(child, &status, 0);
    return status == 0 &&
                   std::equal(read.begin(), read.end(), std::as_bytes(std::span(greeting)).begin())
               ? 0
               : 1;
}

} // namespace

int main() {
    try {
        return run();
    } catch (const std::exception& error) {
        std::cerr << "memory-file: " << error.what() << '\n';
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
// An audio buffer: a producer fills the periods of a ring in a region, a consumer
// process drains them. Samples are never copied between the two; each period is
// checked when it is played. usage: audio-ring [PERIODS]
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/ashmem.hpp>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <new>

namespace {

constexpr std::size_t frames = 480; // of a period: 10 ms at 48 kHz
constexpr std::size_t periods = 8;  // of the ring

using Period = std::array<std::int16_t, frames * 2>;

// What the two processes share. The semaphores count free and filled periods.
struct Ring {
    sem_t free, filled;
    std::array<Period, periods> buffer;
};

void wait_for(sem_t& semaphore) {
    while (sem_wait(&semaphore) != 0 && errno == EINTR) {
    }
}

// A triangle wave, different on left and right, so that a lost sample is noticed.
std::int16_t sample(std::size_t number, std::size_t side) {
    const auto phase = static_cast<int>((number * (3 + side)) % 2000);
    return static_cast<std::int16_t>((std::abs(phase - 1000) - 500) * 60);
}

void fill(Period& period, std::size_t count) {
    for (std::size_t i = 0; i < period.size(); ++i)
        period[i] = sample(count * frames + i / 2, i % 2);
}

bool is_right(const Period& period, std::size_t count) {
    for (std::size_t i = 0; i < period.size(); ++i)
        if (period[i] != sample(count * frames + i / 2, i % 2)) return false;
    return true;
}

// The consumer: has only the region, which it receives over the socket.
int play(ashmem::Channel& channel, std::size_t total) {
    auto message = channel.receive();
    auto mapping = message.regions.at(0).map(ashmem::Prot::read_write);
    auto& ring = *std::launder(reinterpret_cast<Ring*>(mapping.bytes().data()));
    std::size_t right = 0;
    for (std::size_t count = 0; count < total; ++count) {
        wait_for(ring.filled);
        if (is_right(ring.buffer[count % periods], count)) ++right;
        sem_post(&ring.free);
    }
    std::cout << "played " << total << " periods of " << frames << " frames, " << right
              << " as they were filled" << std::endl;
    return right == total ? 0 : 1;
}

void produce(Ring& ring, std::size_t total) {
    for (std::size_t count = 0; count < total; ++count) {
        wait_for(ring.free);
        fill(ring.buffer[count % periods], count);
        sem_post(&ring.filled);
    }
}

int run(std::size_t total) {
    auto [ours, theirs] = ashmem::Channel::pair();
    const pid_t child = fork();
    if (child == 0) {
        ours = ashmem::Channel();
        return play(theirs, total);
    }
    theirs = ashmem::Channel();

    const auto regions = std::array{ashmem::Region::create("AudioTrack Heap Base", sizeof(Ring))};
    auto mapping = regions[0].map(ashmem::Prot::read_write);
    auto& ring = *new (mapping.bytes().data()) Ring;
    sem_init(&ring.free, 1, periods);
    sem_init(&ring.filled, 1, 0);
    std::cout << "a ring of " << periods << " periods in a region of " << regions[0].size()
              << " bytes" << std::endl;
    ours.send({}, regions);
    produce(ring, total);

    int status = -1;
    waitpid(child, &status, 0);
    return status == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char* argv[]) {
    std::size_t total = 500;
    if (argc > 1) {
        const char* end = argv[1] + std::strlen(argv[1]);
        if (const auto [stop, error] = std::from_chars(argv[1], end, total);
            error != std::errc() || stop != end || argc > 2) {
            std::cerr << "usage: audio-ring [PERIODS]\n";
            return 2;
        }
    }
    try {
        return run(total);
    } catch (const std::exception& error) {
        std::cerr << "audio-ring: " << error.what() << '\n';
        return 1;
    }
}

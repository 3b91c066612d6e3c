// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Act two, the pressure: takes memory until there is none, and holds it.
 *
 *     ashmem-demo-hog SECONDS
 *
 * Ends by itself after that time; its parent ends it earlier. If the kernel
 * has to kill someone for memory, it takes this program first.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "system.hpp"

namespace {

constexpr std::size_t chunk = std::size_t{4} << 20;

/** Fill a chunk with numbers that neither compress nor repeat, so that swap must hold them. */
bool take_chunk(std::uint64_t& seed) {
    void* data = ::mmap(nullptr, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return false;
    for (std::size_t i = 0; i < chunk / sizeof(seed); ++i) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        static_cast<std::uint64_t*>(data)[i] = seed;
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const int seconds = argc == 2 ? std::atoi(argv[1]) : 0;
    if (seconds <= 0) {
        std::fprintf(stderr, "usage: ashmem-demo-hog SECONDS\n");
        return 2;
    }
    ::alarm(static_cast<unsigned>(seconds));

    std::ofstream score("/proc/self/oom_score_adj");
    score << "1000" << std::flush;
    if (!score) {
        std::perror("oom_score_adj");
        return 1;
    }

    const std::uint64_t limit = demo::meminfo("MemTotal") + demo::meminfo("SwapTotal");
    std::uint64_t seed = 1;
    for (std::uint64_t taken = 0; taken < limit && take_chunk(seed);)
        taken += chunk;
    ::pause();
    return 0;
}

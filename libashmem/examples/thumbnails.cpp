// SPDX-License-Identifier: Apache-2.0
// A cache of thumbnails that shrinks at its container's limit and says what it lost.
// usage: thumbnails [PICTURES]: with a driver, without one, on a host and in a container
#include <sys/mman.h>

#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t side = 256, thumbnail_bytes = side * side * 4;
constexpr std::size_t most_to_fill = std::size_t{1} << 30;

// In place of a decoder, which would read and scale a picture: a pattern for each name.
void draw(std::string_view name, std::span<std::byte> pixels) {
    const std::size_t seed = std::hash<std::string_view>{}(name) | 1;
    for (std::size_t i = 0; i < pixels.size(); ++i)
        pixels[i] = static_cast<std::byte>((i % side * seed + i / side) >> 8 | 1);
}

bool is_right(std::string_view name, std::span<const std::byte> pixels) {
    std::vector<std::byte> expected(pixels.size());
    draw(name, expected);
    return std::ranges::equal(pixels, expected);
}

std::string name_of(std::size_t number) {
    return "holiday-" + std::to_string(number) + ".jpg";
}

// A screen of thumbnails, all held while it is shown. Returns how many are wrong.
std::size_t show(ashmem::PurgeableCache& cache, std::size_t first, std::size_t count) {
    std::vector<ashmem::PurgeableCache::Handle> screen;
    std::size_t wrong = 0;
    for (std::size_t i = first; i < first + count; ++i) {
        screen.push_back(cache.get(name_of(i), thumbnail_bytes));
        if (!is_right(name_of(i), screen.back().bytes())) ++wrong;
    }
    return wrong;
}

std::size_t show_all(ashmem::PurgeableCache& cache, std::size_t pictures) {
    std::size_t wrong = 0;
    for (std::size_t first = 0; first < pictures; first += 16)
        wrong += show(cache, first, std::min<std::size_t>(16, pictures - first));
    return wrong;
}

void tell(const char* when, const ashmem::PurgeableCache::Statistics& counts) {
    std::cout << when << ": " << counts.entries << " thumbnails, " << (counts.bytes >> 20)
              << " MiB in " << counts.regions << " regions; drawn " << counts.rebuilds
              << " times, found " << counts.hits << ", lost " << counts.lost << ", evicted "
              << counts.evicted << '\n';
}

// A file of the cgroup that this process is in, which holds a number; 0 for "max", or if
// there is none.
std::size_t of_cgroup(const char* file) {
    std::string path;
    std::ifstream groups("/proc/self/cgroup");
    while (std::getline(groups, path) && !path.starts_with("0::")) {
    }
    if (!groups) return 0;
    std::size_t bytes = 0;
    std::ifstream("/sys/fs/cgroup" + path.substr(3) + '/' + file) >> bytes;
    return bytes;
}

// Another job in the container that needs memory: entries that are not in use are dropped
// before a process is killed.
void need_memory(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::memset(memory, 1, bytes);
    munmap(memory, bytes);
}

int run(std::size_t pictures) {
    // Room for nearly all: the first ones shown are evicted when the last ones are.
    ashmem::PurgeableCache cache("thumbnails", pictures * thumbnail_bytes * 15 / 16, draw);
    std::size_t wrong = show_all(cache, pictures);
    tell("shown once", cache.statistics());

    const std::size_t limit = of_cgroup("memory.max"), used = of_cgroup("memory.current");
    if (limit > used && limit <= most_to_fill) {
        const std::size_t needed = limit - used + cache.capacity() / 2;
        std::cout << "of the container's " << (limit >> 20) << " MiB " << (used >> 20)
                  << " are used; another job needs " << (needed >> 20) << '\n';
        need_memory(needed);
    } else {
        std::cout << "no limit of a container here, or one above 1 GiB: nothing has to go\n";
    }
    // Backwards: what was shown last is still there, if the kernel left it.
    for (std::size_t i = pictures; i-- > 0;)
        wrong += show(cache, i, 1);
    const auto counts = cache.statistics();
    tell("shown again", counts);
    std::cout << counts.lost << " thumbnails were lost, " << wrong << " are wrong\n";
    return wrong == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char* argv[]) {
    std::size_t pictures = 256;
    if (argc > 1) {
        const char* end = argv[1] + std::strlen(argv[1]);
        if (const auto [stop, error] = std::from_chars(argv[1], end, pictures);
            error != std::errc() || stop != end || argc > 2 || pictures < 32 || pictures > 65536) {
            std::cerr << "usage: thumbnails [PICTURES]   (32 to 65536)\n";
            return 2;
        }
    }
    try {
        return run(pictures);
    } catch (const std::exception& error) {
        std::cerr << "thumbnails: " << error.what() << '\n';
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Act two: two regions with the same content, one unpinned, and no memory left.
 *
 *     ashmem-demo-cache FILE
 *
 * The kernel may drop the unpinned one and must tell so; the pinned one stays.
 */
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/unique_fd.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <thread>

#include "sha256.hpp"
#include "story.hpp"
#include "system.hpp"

namespace {

using demo::check;
using demo::commas;
using demo::Story;

constexpr int pressure_seconds = 120;
// Of few pages the kernel asks the shrinker for none, or only at the very last.
constexpr std::size_t least_content = std::size_t{8} << 20;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

struct Region {
    ashmem::unique_fd fd;
    std::span<std::byte> bytes;
};

/** The extremes that were seen while memory was short. */
struct Pressure {
    std::uint64_t available_before = 0;
    std::uint64_t least_available = 0;
    std::uint64_t most_swap = 0;
    std::uint64_t swapped_out = 0;
    double seconds = 0;

    void look() {
        least_available = std::min(least_available, demo::meminfo("MemAvailable"));
        most_swap = std::max(most_swap, demo::meminfo("SwapTotal") - demo::meminfo("SwapFree"));
    }
};

Region make_filled(const char* name, const std::vector<std::byte>& content) {
    Region region;
    region.fd.reset(check(ashmem_create_region(name, content.size()), "ashmem_create_region"));
    region.bytes = demo::map_region(region.fd.get(), content.size());
    std::ranges::copy(content, region.bytes.begin());
    return region;
}

/** Tell whether a region's pages are gone, without touching them: the file is one hole. */
bool is_hole(int fd) {
    return ::lseek(fd, 0, SEEK_DATA) < 0;
}

/** Run the hog until it had its effect, its time is over, or the kernel ended it. */
Pressure press_until_purged(int fd) {
    using clock = std::chrono::steady_clock;
    Pressure seen;
    seen.available_before = seen.least_available = demo::meminfo("MemAvailable");
    const std::uint64_t swapped_before = demo::vmstat("pswpout");
    const bool has_swap = demo::meminfo("SwapTotal") > 0;
    const auto begin = clock::now();

    const pid_t hog = demo::start(
        {demo::sibling("ashmem-demo-hog"), std::to_string(pressure_seconds)}, STDERR_FILENO);
    while (::waitpid(hog, nullptr, WNOHANG) == 0) {
        seen.look();
        if (is_hole(fd) && (seen.most_swap > 0 || !has_swap)) {
            ::kill(hog, SIGKILL);
            ::waitpid(hog, nullptr, 0);
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    seen.seconds = std::chrono::duration<double>(clock::now() - begin).count();
    seen.swapped_out = demo::vmstat("pswpout") - swapped_before;
    return seen;
}

void tell_pressure(Story& story, const Pressure& seen) {
    story.ok("a hog took memory for %.1f s: available %s -> %s MiB,", seen.seconds,
             commas(seen.available_before / mebibyte).c_str(),
             commas(seen.least_available / mebibyte).c_str());
    story.show("swap in use up to " + commas(seen.most_swap / mebibyte) + " MiB, " +
               commas(seen.swapped_out) + " pages swapped out");
}

std::string pin_answer(int answer) {
    if (answer < 0) return "failure";
    return answer == ASHMEM_WAS_PURGED ? "WAS_PURGED" : "NOT_PURGED";
}

/** The file's bytes, several times over if they are few. */
std::vector<std::byte> content_of(const char* path) {
    const std::vector<std::byte> file = demo::read_file(path);
    std::vector<std::byte> content = file;
    while (content.size() < least_content)
        content.insert(content.end(), file.begin(), file.end());
    return content;
}

void run(Story& story, const char* path) {
    const std::vector<std::byte> content = content_of(path);
    const std::string digest = demo::sha256(content);
    const Region cache = make_filled("cache", content);
    const Region keep = make_filled("keep", content);
    story.ok("made regions \"cache\" and \"keep\", %s bytes each, filled from the file",
             commas(content.size()).c_str());

    check(ashmem_unpin_region(cache.fd.get(), 0, 0), "ashmem_unpin_region");
    story.expect("unpinned \"cache\"; its pin status", "unpinned",
                 ashmem_get_pin_status_region(cache.fd.get(), 0, 0) == ASHMEM_IS_UNPINNED
                     ? "unpinned"
                     : "pinned");

    tell_pressure(story, press_until_purged(cache.fd.get()));

    story.expect("pinning \"cache\" again reports", "WAS_PURGED",
                 pin_answer(ashmem_pin_region(cache.fd.get(), 0, 0)));
    const auto set =
        std::ranges::count_if(cache.bytes, [](std::byte b) { return b != std::byte(); });
    story.expect("bytes of \"cache\" that are not zero", "0",
                 commas(static_cast<std::uint64_t>(set)));
    story.expect("pinning \"keep\", which stayed pinned, reports", "NOT_PURGED",
                 pin_answer(ashmem_pin_region(keep.fd.get(), 0, 0)));
    story.expect("SHA-256 of \"keep\"", "as before",
                 demo::sha256(keep.bytes) == digest ? "as before" : "another");
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: ashmem-demo-cache FILE\n");
        return 2;
    }
    Story story("cache");
    try {
        run(story, argv[1]);
    } catch (const std::exception& error) {
        story.failed("act two", "no error", error.what());
    }
    return story.status();
}

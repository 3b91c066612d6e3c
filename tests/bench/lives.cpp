// SPDX-License-Identifier: Apache-2.0
// (a) The life of shared memory: made, named, sized, mapped, unmapped, ended.
//
// The floor is what no driver with a node of its own can be below: as many calls to
// /dev/null as a region has, which do nothing, and a memfd for the pages.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>

#include "costs/place.hpp"
#include "memories.hpp"
#include "questions.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::must;
constexpr std::size_t size = costs::place_size;

void map_touch_unmap(const SharedMemory& memory, std::size_t touched) {
    void* address = memory.map();
    if (address != costs::place()) throw std::runtime_error("a map is not where it should be");
    for (std::size_t at = 0; at < touched; at += costs::page)
        static_cast<volatile char*>(address)[at] = 1;
    memory.unmap(address);
}

void live(Kind kind, std::size_t touched) {
    map_touch_unmap(SharedMemory(kind, size), touched);
}

void live_without_driver(std::size_t touched) {
    const auto node = static_cast<int>(must(open("/dev/null", O_RDWR | O_CLOEXEC), "open"));
    for (int call = 0; call < 2; ++call)
        if (ioctl(node, ASHMEM_SET_SIZE, size) != -1 || errno != ENOTTY)
            throw std::runtime_error("/dev/null takes an ioctl of ours");
    live(Kind::memfd, touched);
    must(close(node), "close");
}

void ask_whole(Report& report, const char* what, const costs::Pace& pace, std::size_t touched) {
    std::vector<Subject> subjects;
    for (const Kind kind : kinds())
        subjects.push_back({subject(kind), paced(pace, [=] { live(kind, touched); })});
    subjects.push_back({"floor", paced(pace, [=] { live_without_driver(touched); })});
    take_turns(report, {"a", what}, pace.batches, subjects);
}

// a map takes little, and its memory comes back some ticks later
constexpr costs::Pace maps{7, 300, 5000};

void ask_map(Report& report) {
    std::vector<Subject> subjects;
    for (const Kind kind : kinds()) {
        const auto memory = std::make_shared<SharedMemory>(kind, size);
        subjects.push_back({subject(kind), paced(maps, [memory] { map_touch_unmap(*memory, 0); })});
    }
    take_turns(report, {"a", "mapped and unmapped"}, maps.batches, subjects);
}

} // namespace

void ask_lives(Report& report) {
    costs::place();
    ask_whole(report, "made, mapped, ended; 64 KiB, untouched", costs::short_lives, 0);
    ask_whole(report, "made, mapped, 16 pages written, ended", costs::touched_lives, size);
    ask_map(report);
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// Descriptors and maps from beginning to end.
#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>

#include "memory.hpp"
#include "place.hpp"
#include "report.hpp"

namespace costs {
namespace {

constexpr std::size_t size = place_size;

void map_touch_unmap(int fd, std::size_t touched) {
    void* address = mmap(nullptr, size, test::rw, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) must(-1, "mmap");
    if (address != place()) throw std::runtime_error("a map is not where it should be");
    for (std::size_t at = 0; at < touched; at += page)
        static_cast<volatile char*>(address)[at] = 1;
    must(munmap(address, size), "munmap");
}

void live_region(const char* name, std::size_t touched) {
    const auto fd = static_cast<int>(must(open("/dev/ashmem", O_RDWR | O_CLOEXEC), "open"));
    if (name) must(ioctl(fd, ASHMEM_SET_NAME, name), "SET_NAME");
    must(ioctl(fd, ASHMEM_SET_SIZE, size), "SET_SIZE");
    map_touch_unmap(fd, touched);
    must(close(fd), "close");
}

void live_memfd(std::size_t touched) {
    const auto fd = static_cast<int>(must(memfd_create("frames", MFD_CLOEXEC), "memfd_create"));
    must(ftruncate(fd, size), "ftruncate");
    map_touch_unmap(fd, touched);
    must(close(fd), "close");
}

// As many calls as in a region's life, to a driver that does nothing, with a memfd for the
// pages. No driver with a node can take much less.
void live_without_driver() {
    const auto node = static_cast<int>(must(open("/dev/null", O_RDWR | O_CLOEXEC), "open"));
    for (int call = 0; call < 2; ++call)
        if (ioctl(node, ASHMEM_SET_SIZE, size) != -1 || errno != ENOTTY)
            throw std::runtime_error("/dev/null takes an ioctl of ours");
    const auto fd = static_cast<int>(must(memfd_create("frames", MFD_CLOEXEC), "memfd_create"));
    map_touch_unmap(fd, 0);
    must(close(fd), "close");
    must(close(node), "close");
}

void open_and_close(const char* path) {
    const auto fd = static_cast<int>(must(open(path, O_RDWR | O_CLOEXEC), path));
    must(close(fd), "close");
}

void ask_maps(Report& report) {
    const auto region = test::Region::of_pages(size / page);
    const Memfd memfd(size);
    report.add("map", "map and unmap",
               compare(
                   lives, [fd = region.fd()] { map_touch_unmap(fd, 0); },
                   [fd = memfd.fd()] { map_touch_unmap(fd, 0); }));
}

} // namespace

void ask_opens(Report& report) {
    place();
    report.add("open_null", "open and close of /dev/null",
               cost(opens, [] { open_and_close("/dev/null"); }));
    report.add("open", "open and close of /dev/ashmem",
               cost(opens, [] { open_and_close("/dev/ashmem"); }));
    report.add("life_named", "created, named, mapped, closed untouched",
               compare(
                   short_lives, [] { live_region("frames", 0); }, [] { live_memfd(0); }));
    ask_maps(report);
}

void ask_lives(Report& report) {
    place();
    report.add("life_touched", "created, mapped, 16 pages touched, closed",
               compare(
                   touched_lives, [] { live_region(nullptr, size); }, [] { live_memfd(size); }));
    report.add("life_floor", "the same calls to /dev/null, pages by memfd",
               compare(
                   short_lives, [] { live_without_driver(); }, [] { live_memfd(0); }));
}

} // namespace costs

// SPDX-License-Identifier: Apache-2.0
// Regions of which one range, or every other page, is unpinned, and what drops those pages.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

#include "memory.hpp"
#include "support/process.hpp"

namespace costs {

struct Shape {
    bool mapped;  // while it is purged
    bool singles; // every other page
    std::size_t pages = 16'384;
    int batches = 3;
};

inline std::size_t unpinned_pages(const Shape& shape) {
    return shape.singles ? shape.pages / 2 : shape.pages;
}

// calls work with the first page and the number of pages of each range
template <typename Work>
void each_range(const Shape& shape, Work work) {
    if (!shape.singles) return work(std::size_t{0}, shape.pages);
    for (std::size_t i = 0; i < shape.pages / 2; ++i)
        work(2 * i, std::size_t{1});
}

// A region with all pages touched and these ranges unpinned.
class Unpinned {
public:
    explicit Unpinned(const Shape& shape)
        : pages_(shape.pages),
          region_(test::Region::of_pages(pages_)),
          map_(region_.map_pages(pages_)) {
        touch(map_);
        if (!shape.mapped) map_.unmap();
        each_range(shape, [this](std::size_t first, std::size_t count) {
            pin_call(region_.fd(), ASHMEM_UNPIN, first, count);
        });
    }
    void purge_all() const { must(region_.purge_all(), "PURGE_ALL_CACHES"); }
    [[nodiscard]] int fd() const { return region_.fd(); }
    // how many of the pages are gone
    [[nodiscard]] std::size_t purged() const {
        std::vector<unsigned char> there(pages_);
        const auto map = region_.map_pages(pages_);
        must(mincore(map.address(), map.size(), there.data()), "mincore");
        return static_cast<std::size_t>(std::count(there.begin(), there.end(), 0));
    }

private:
    std::size_t pages_;
    test::Region region_;
    test::Map map_;
};

inline double purge_region(const Shape& shape) {
    const Unpinned unpinned(shape);
    const double taken = once([&] { unpinned.purge_all(); });
    if (unpinned.purged() != unpinned_pages(shape)) throw std::runtime_error("a purge left pages");
    return taken;
}

inline double punch_memfd(const Shape& shape) {
    const Memfd memfd(shape.pages * page);
    test::Map map(memfd.fd(), shape.pages * page);
    touch(map);
    if (!shape.mapped) map.unmap();
    return once([&] {
        each_range(shape, [&](std::size_t first, std::size_t count) {
            must(fallocate(memfd.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(first * page), static_cast<off_t>(count * page)),
                 "fallocate");
        });
    });
}

inline void write_drop_caches(const char* what) {
    must(test::write_file("/proc/sys/vm/drop_caches", what), "drop_caches");
}

inline double drop_caches() {
    return once([] { write_drop_caches("2"); });
}

// Makes freed pages go back a few at a time; otherwise it is chance which call pays.
inline void steady_pages() {
    constexpr char setting[] = "/proc/sys/vm/percpu_pagelist_high_fraction";
    const long answer = test::write_file(setting, "250");
    // kernels before 5.14 have nothing else
    if (answer != 0 && answer != -ENOENT) throw std::runtime_error(setting);
}

inline void settle_reclaim() {
    // no line in the log for each
    write_drop_caches("4");
    for (int i = 0; i < 3; ++i)
        drop_caches();
}

} // namespace costs

// SPDX-License-Identifier: Apache-2.0
// Purges of 64 MiB in one range, and of every other page of it.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

#include "memory.hpp"
#include "report.hpp"
#include "support/process.hpp"

namespace costs {
namespace {

struct Shape {
    bool mapped;  // while it is purged
    bool singles; // every other page
    std::size_t pages = 16'384;
    int batches = 3;
};

std::size_t unpinned_pages(const Shape& shape) {
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

double purge_region(const Shape& shape) {
    const Unpinned unpinned(shape);
    const double taken = once([&] { unpinned.purge_all(); });
    if (unpinned.purged() != unpinned_pages(shape)) throw std::runtime_error("a purge left pages");
    return taken;
}

double punch_memfd(const Shape& shape) {
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

Pair purge_and_punch(const Shape& shape) {
    std::vector<double> ours, peers;
    for (int i = 0; i < shape.batches; ++i) {
        ours.push_back(purge_region(shape));
        peers.push_back(punch_memfd(shape));
    }
    return {median(ours), median(peers)};
}

void write_drop_caches(const char* what) {
    must(test::write_file("/proc/sys/vm/drop_caches", what), "drop_caches");
}

double drop_caches() {
    return once([] { write_drop_caches("2"); });
}

// The cost of reclaim for each page that it dropped, less its cost when nothing is unpinned.
// It may leave a few pages.
double reclaim(const Shape& shape) {
    std::vector<double> all;
    for (int i = 0; i < shape.batches; ++i) {
        const Unpinned unpinned(shape);
        const double taken = drop_caches();
        const std::size_t purged = unpinned.purged();
        if (purged < unpinned_pages(shape) / 2) throw std::runtime_error("reclaim left most pages");
        all.push_back((taken - drop_caches()) / static_cast<double>(purged));
    }
    return median(all);
}

// Makes freed pages go back a few at a time; otherwise it is chance which call pays.
void steady_pages() {
    constexpr char setting[] = "/proc/sys/vm/percpu_pagelist_high_fraction";
    const long answer = test::write_file(setting, "250");
    // kernels before 5.14 have nothing else
    if (answer != 0 && answer != -ENOENT) throw std::runtime_error(setting);
}

void settle_reclaim() {
    // no line in the log for each
    write_drop_caches("4");
    for (int i = 0; i < 3; ++i)
        drop_caches();
}

} // namespace

void ask_purges(Report& report) {
    steady_pages();
    report.add("purge", "purge of 64 MiB", purge_and_punch({false, false}));
    report.add("purge_mapped", "purge of 64 MiB, mapped", purge_and_punch({true, false}));
    report.add("purge_single", "purge of 8192 single pages", purge_and_punch({false, true}));
    report.add("purge_single_mapped", "purge of 8192 single pages, mapped",
               purge_and_punch({true, true}));
    settle_reclaim();
    report.add("reclaim", "reclaim of 64 MiB, a page", reclaim({false, false}));
    report.add("reclaim_mapped", "reclaim of 64 MiB, mapped, a page", reclaim({true, false}));
    report.add("reclaim_single", "reclaim of 8192 single pages, each", reclaim({false, true}));
    report.add("reclaim_single_mapped", "reclaim of 8192 single pages, mapped, each",
               reclaim({true, true}));
}

void ask_reclaim(Report& report) {
    constexpr Shape small{false, true, 2048, 15};
    steady_pages();
    report.add("purge_1024", "purge of 1024 single pages", purge_and_punch(small));
    settle_reclaim();
    report.add("reclaim_1024", "reclaim of 1024 single pages, each", reclaim(small));
}

} // namespace costs

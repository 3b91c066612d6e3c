// SPDX-License-Identifier: Apache-2.0
// Purges of 64 MiB in one range, and of every other page of it.
#include <stdexcept>
#include <vector>

#include "report.hpp"
#include "shapes.hpp"

namespace costs {
namespace {

Pair purge_and_punch(const Shape& shape) {
    std::vector<double> ours, peers;
    for (int i = 0; i < shape.batches; ++i) {
        ours.push_back(purge_region(shape));
        peers.push_back(punch_memfd(shape));
    }
    return {median(ours), median(peers)};
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

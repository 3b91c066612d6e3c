// SPDX-License-Identifier: Apache-2.0
// A process has a cache of 48 entries of 1 MiB, 16 of them in use, and then allocates 48 MiB
// more, in a memory cgroup that may not have room for both. What is lost, when, and who is
// told; and how long the allocations wait meanwhile. Only without swap is what is gone lost.
#include "yields.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "counter.hpp"
#include "questions.hpp"
#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "support/steps.hpp"

namespace bench {
namespace yields {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr int steps = 48; // of 1 MiB each

// What a process found. It stays behind if the process is killed.
struct Found {
    bool ended = false;
    int taken = 0; // steps
    double longest = 0, total = 0;
    std::optional<int> first_loss;                // the steps before
    double lost = 0, lost_in_use = 0, needed = 0; // MiB
    double told = 0, shown = 0;                   // of the lost pages, percent
    double touched = 0;                           // entries that are not whole
};

double in_mib(std::size_t pages) {
    return static_cast<double>(pages * costs::page) / mib;
}

std::size_t sum(const std::vector<std::size_t>& pages, std::size_t first, std::size_t last) {
    using Offset = std::vector<std::size_t>::difference_type;
    return std::accumulate(pages.begin() + static_cast<Offset>(first),
                           pages.begin() + static_cast<Offset>(last), std::size_t{0});
}

void allocate(const Cache& cache, Found& found) {
    for (; found.taken < steps; ++found.taken) {
        const double step = costs::once([] {
            if (test::touch(mib) != 0) throw std::runtime_error("no memory");
        });
        found.longest = std::max(found.longest, step);
        found.total += step;
        if (!found.first_loss && sum(cache.gone(), 0, entries) > 0) found.first_loss = found.taken;
    }
}

// Takes all entries back, and looks what the owner learns. To look at a page may allocate it,
// so by now there is no limit any more.
void take_stock(Cache& cache, Found& found) {
    std::vector<bool> told;
    for (std::size_t entry = 0; entry < entries; ++entry)
        // nothing tells of an entry that was in use
        told.push_back(entry >= in_use && cache.take_back(entry));
    const auto gone = cache.gone();
    found.lost_in_use = in_mib(sum(gone, 0, in_use));
    found.lost = in_mib(sum(gone, in_use, entries));
    std::size_t pages_told = 0, pages_shown = 0;
    for (std::size_t entry = 0; entry < entries; ++entry) {
        found.touched += gone[entry] > 0;
        if (told[entry]) pages_told += gone[entry];
        pages_shown += cache.unmarked(entry);
    }
    if (const auto all = static_cast<double>(sum(gone, 0, entries)); all > 0) {
        found.told = 100 * static_cast<double>(pages_told) / all;
        found.shown = 100 * static_cast<double>(pages_shown) / all;
    }
}

struct Limit {
    const char* file;
    std::size_t megabytes;
};

Found find(const Named& named, const Limit& limit) {
    test::Cgroup group("yields");
    group.set(limit.file, limit.megabytes * mib);
    const Shared<Found> found;
    const int status = test::in_child([&] {
        group.join();
        const auto cache = named.make(group.path());
        cache->fill_and_offer();
        const auto before = static_cast<double>(group.number("memory.current"));
        found->needed = std::max(0.0, before / mib + steps - static_cast<double>(limit.megabytes));
        allocate(*cache, *found);
        group.set(limit.file, "max");
        take_stock(*cache, *found);
        found->ended = true;
        return 0;
    });
    if (!found->ended && group.key("memory.events", "oom_kill") == 0)
        throw std::runtime_error(std::string(named.subject) + ": ended by itself, " +
                                 std::to_string(status));
    return *found;
}

constexpr int rounds = 3;

// the median of what those found that were not killed
template <typename Value>
double of(const std::vector<Found>& all, const Value& value) {
    std::vector<double> values;
    values.reserve(all.size());
    for (const Found& found : all)
        values.push_back(value(found));
    return costs::median(values);
}

void report_losses(Report& report, const std::string& limit, const char* subject,
                   const std::vector<Found>& all, std::uint64_t x) {
    const auto add = [&](const char* what, const char* unit, auto value) {
        report.add({"i", limit + what, subject, of(all, value), unit, x});
    };
    add("lost of 32 MiB offered", "MiB", [](const Found& found) { return found.lost; });
    add("lost of 16 MiB in use", "MiB", [](const Found& found) { return found.lost_in_use; });
    add("lost beyond what was short", "MiB",
        [](const Found& found) { return found.lost + found.lost_in_use - found.needed; });
    add("longest of 48 allocations of 1 MiB", "ms",
        [](const Found& found) { return found.longest / 1e6; });
    add("all 48 allocations", "ms", [](const Found& found) { return found.total / 1e6; });
    if (std::any_of(all.begin(), all.end(), [](const Found& f) { return !f.first_loss; })) return;
    add("allocated before the first loss", "MiB",
        [](const Found& found) { return *found.first_loss; });
    add("entries of 1 MiB that lost pages", "entries",
        [](const Found& found) { return found.touched; });
    add("lost pages that the owner is told of", "percent",
        [](const Found& found) { return found.told; });
    add("lost pages that show only as zeros", "percent",
        [](const Found& found) { return found.shown - found.told; });
}

void ask_limit(Report& report, const Limit& limit) {
    const auto subjects = caches();
    std::vector<std::vector<Found>> found(subjects.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < subjects.size(); ++i)
            found[i].push_back(find(subjects[i], limit));
    const std::string text =
        std::string(limit.file) + " of " + std::to_string(limit.megabytes) + " MiB: ";
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        std::vector<Found> alive;
        for (const Found& one : found[i])
            if (one.ended) alive.push_back(one);
        report.add({"i", text + "killed", subjects[i].subject,
                    100.0 * static_cast<double>(rounds - static_cast<int>(alive.size())) / rounds,
                    "percent", limit.megabytes});
        if (!alive.empty())
            report_losses(report, text, subjects[i].subject, alive, limit.megabytes);
    }
}

} // namespace
} // namespace yields

void ask_yields(Report& report) {
    // 112 has room for all; 72 lacks most of what is offered
    for (const std::size_t megabytes : {112, 88, 72})
        yields::ask_limit(report, {"memory.max", megabytes});
    yields::ask_limit(report, {"memory.high", 88});
}

} // namespace bench

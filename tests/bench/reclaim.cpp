// SPDX-License-Identifier: Apache-2.0
// (e) Purge and reclaim, a MiB that is freed: of a range of 64 MiB, and of every other page
// of 64 MiB. A purge is PURGE_ALL_CACHES beside a memfd's holes. Reclaim is drop_caches,
// which no peer listens to, and half of the pages at a memory cgroup's limit, beside
// MADV_FREE. The original does not listen to cgroups.
#include <sys/mman.h>

#include "costs/shapes.hpp"
#include "questions.hpp"
#include "support/cgroup.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::must;
using costs::page;
using costs::Shape;

constexpr int rounds = 7;
// which pages are taken first is chance
constexpr int rounds_at_limit = 9;
constexpr double mib = 1 << 20;

double unpinned_mib(const Shape& shape) {
    return static_cast<double>(costs::unpinned_pages(shape) * page) / mib;
}

void ask_purges(Report& report, const std::string& what, const Shape& shape) {
    take_turns(report, {"e", "purge " + what}, rounds,
               {{"ashmem", [=] { return costs::purge_region(shape) / unpinned_mib(shape); }},
                {"memfd", [=] { return costs::punch_memfd(shape) / unpinned_mib(shape); }}});
}

// what drop_caches takes more than when nothing is unpinned
double drop(const Shape& shape) {
    const costs::Unpinned unpinned(shape);
    const double taken = costs::drop_caches();
    const std::size_t purged = unpinned.purged();
    if (purged < costs::unpinned_pages(shape) / 2)
        throw std::runtime_error("reclaim left most pages");
    return (taken - costs::drop_caches()) / (static_cast<double>(purged * page) / mib);
}

// anonymous pages that may go, of the same shape
class Free {
public:
    explicit Free(const Shape& shape)
        : map_(-1, shape.pages * page, test::rw, MAP_PRIVATE | MAP_ANONYMOUS) {
        char* const bytes = static_cast<char*>(map_.address());
        must(madvise(bytes, map_.size(), MADV_NOHUGEPAGE), "madvise");
        costs::touch(map_);
        costs::each_range(shape, [&](std::size_t first, std::size_t count) {
            must(madvise(bytes + first * page, count * page, MADV_FREE), "MADV_FREE");
        });
    }

private:
    test::Map map_;
};

// what it takes to halve what may go, by a limit of the cgroup that it is charged to
template <typename Memory>
double at_limit(const Shape& shape) {
    const test::Cgroup group("bench");
    group.join();
    const Memory memory(shape);
    must(test::write_file(std::string(test::Cgroup::root) + "/cgroup.procs", "0"), "cgroup.procs");
    const std::uint64_t before = group.number("memory.current");
    const std::uint64_t limit = before - costs::unpinned_pages(shape) * page / 2;
    const double taken = costs::once([&] { group.set("memory.high", limit); });
    const std::uint64_t after = group.number("memory.current");
    if (after > limit) throw std::runtime_error("the limit is not kept");
    return taken / (static_cast<double>(before - after) / mib);
}

void ask_limits(Report& report, const std::string& what, const Shape& shape) {
    std::vector<Subject> subjects = {{"MADV_FREE", [=] { return at_limit<Free>(shape); }}};
    if (!conditions.original)
        subjects.insert(subjects.begin(),
                        {"ashmem", [=] { return at_limit<costs::Unpinned>(shape); }});
    take_turns(report, {"e", "reclaim at a limit " + what}, rounds_at_limit, subjects);
}

} // namespace

void ask_reclaim(Report& report) {
    static constexpr Shape large{false, false}, scattered{false, true};
    const std::string one = "of one range, a MiB", single = "of single pages, a MiB";
    costs::steady_pages();
    ask_purges(report, one, large);
    ask_purges(report, single, scattered);
    costs::settle_reclaim();
    take_turns(report, {"e", "reclaim by drop_caches " + one}, rounds,
               {{"ashmem", [] { return drop(large); }}});
    take_turns(report, {"e", "reclaim by drop_caches " + single}, rounds,
               {{"ashmem", [] { return drop(scattered); }}});
    ask_limits(report, one, large);
    ask_limits(report, single, scattered);
}

} // namespace bench

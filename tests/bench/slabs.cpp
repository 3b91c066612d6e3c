// SPDX-License-Identifier: Apache-2.0
// (g) Kernel memory of a region and of a range: what the slabs grow by when there are many,
// a part of each. The kernel's own objects count too: the open file, the inode, its name.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "costs/memory.hpp"
#include "memories.hpp"
#include "questions.hpp"
#include "support/process.hpp"
#include "turns.hpp"

namespace bench {
namespace {

constexpr std::size_t size = 16 * costs::page;
constexpr std::size_t many = 10'000, ranges = 100'000;
constexpr char slabs[] = "/sys/kernel/slab/";

// Empty slabs go back, so that what is left is in use.
void shrink_slabs() {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(slabs), closedir);
    if (!folder) throw std::runtime_error(slabs);
    while (const dirent* slab = readdir(folder.get()))
        if (slab->d_name[0] != '.')
            test::write_file(std::string(slabs) + slab->d_name + "/shrink", "1");
}

double slab_bytes() {
    // what is freed later is freed
    sleep(1);
    shrink_slabs();
    return static_cast<double>(test::meminfo("Slab"));
}

using Crowd = std::vector<std::unique_ptr<SharedMemory>>;

Crowd crowd_of(Kind kind, bool mapped_once) {
    Crowd crowd;
    for (std::size_t i = 0; i < many; ++i) {
        crowd.push_back(std::make_unique<SharedMemory>(kind, size));
        if (mapped_once) crowd.back()->unmap(crowd.back()->map());
    }
    return crowd;
}

double bytes_each(Kind kind, bool mapped_once) {
    const double before = slab_bytes();
    const Crowd crowd = crowd_of(kind, mapped_once);
    return (slab_bytes() - before) / static_cast<double>(crowd.size());
}

double bytes_of_a_range() {
    const auto region = test::Region::of_pages(2 * ranges);
    region.map_pages(1).unmap();
    const double before = slab_bytes();
    for (std::size_t i = 0; i < ranges; ++i)
        costs::pin_call(region.fd(), ASHMEM_UNPIN, 2 * i, 1);
    return (slab_bytes() - before) / static_cast<double>(ranges);
}

void allow_many() {
    const rlimit most = {4 * many, 4 * many};
    costs::must(setrlimit(RLIMIT_NOFILE, &most), "RLIMIT_NOFILE");
    costs::must(test::write_file("/proc/sys/kernel/shmmni", std::to_string(2 * many)), "shmmni");
}

} // namespace

void ask_slabs(Report& report) {
    allow_many();
    for (const bool mapped_once : {false, true})
        for (const Kind kind : kinds())
            add(report,
                {"g", mapped_once ? "named, sized, mapped once" : "named, sized, never mapped",
                 "bytes"},
                subject(kind), bytes_each(kind, mapped_once));
    if (conditions.device)
        add(report, {"g", "an unpinned range", "bytes"}, "ashmem", bytes_of_a_range());
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// (b) Page faults: the first write to each page, in order and at random, with small and with
// huge pages; and the first write through another map, where the pages are there.
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>

#include "costs/memory.hpp"
#include "memories.hpp"
#include "questions.hpp"
#include "support/process.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::must;
using costs::page;

constexpr std::size_t size = std::size_t{16} << 20, huge = std::size_t{2} << 20;
constexpr int rounds = 7;

// Addresses for one map, where huge pages fit.
class Place {
public:
    Place() : area_(-1, size + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS) {
        const auto address = reinterpret_cast<std::uintptr_t>(area_.address());
        aligned_ = static_cast<char*>(area_.address()) + (-address) % huge;
    }
    [[nodiscard]] char* address() const { return aligned_; }
    // holds the addresses again, in place of a map
    void clear() const {
        if (mmap(aligned_, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
            aligned_)
            must(-1, "mmap");
    }

private:
    test::Map area_;
    char* aligned_;
};

// How shared memory gets its pages: "advise", "force" ...
class HugeSetting {
public:
    HugeSetting() : before_(chosen()) {}
    HugeSetting(const HugeSetting&) = delete;
    HugeSetting& operator=(const HugeSetting&) = delete;
    ~HugeSetting() { test::write_file(file, before_); }
    static bool exists() { return !test::read_file(file).empty(); }
    static void set(const char* what) {
        if (test::write_file(file, what) != 0) throw std::runtime_error(file);
    }

private:
    static constexpr char file[] = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    static std::string chosen() {
        const std::string all = test::read_file(file);
        const std::size_t from = all.find('[') + 1;
        return all.substr(from, all.find(']') - from);
    }
    std::string before_;
};

// bytes of this process that huge pages of shared memory map
std::uint64_t huge_bytes() {
    return test::own_memory("ShmemPmdMapped");
}

std::vector<std::size_t> order_of(bool random) {
    std::vector<std::size_t> order(size / page);
    std::iota(order.begin(), order.end(), 0);
    if (random) std::shuffle(order.begin(), order.end(), std::mt19937(1));
    return order;
}

using Order = std::vector<std::size_t>;

double write_pages(const Place& place, const Order& order) {
    volatile char* const bytes = place.address();
    return costs::once([&] {
               for (const std::size_t i : order)
                   bytes[i * page] = 1;
           }) /
           static_cast<double>(order.size());
}

// the first write to each page of new memory
double fault(Kind kind, const Place& place, const Order& order, bool with_huge) {
    const SharedMemory memory(kind, size);
    memory.map(place.address());
    const double taken = write_pages(place, order);
    const bool got_huge = huge_bytes() >= size;
    place.clear();
    if (got_huge != with_huge)
        throw std::runtime_error(std::string(subject(kind)) +
                                 (got_huge ? " has huge pages" : " has no huge pages"));
    return taken;
}

// the first write to each page through a second map
double fault_again(Kind kind, const Place& place, const Order& order) {
    const SharedMemory memory(kind, size);
    memory.map(place.address());
    write_pages(place, order);
    place.clear();
    memory.map(place.address());
    const double taken = write_pages(place, order);
    place.clear();
    return taken;
}

void ask(Report& report, const std::string& what, const std::function<double(Kind)>& sample) {
    std::vector<Subject> subjects;
    for (const Kind kind : kinds())
        subjects.push_back({subject(kind), [=] { return sample(kind); }});
    take_turns(report, {"b", what}, rounds, subjects);
}

} // namespace

void ask_faults(Report& report) {
    const auto place = std::make_shared<Place>();
    const Order in_order = order_of(false), at_random = order_of(true);
    ask(report, "first write, in order, a page",
        [&](Kind kind) { return fault(kind, *place, in_order, false); });
    ask(report, "first write, at random, a page",
        [&](Kind kind) { return fault(kind, *place, at_random, false); });
    ask(report, "first write through a second map, a page",
        [&](Kind kind) { return fault_again(kind, *place, in_order); });
    // a kernel without them, or one who may not ask for them
    if (!HugeSetting::exists() || access("/sys/kernel/mm/transparent_hugepage/shmem_enabled", W_OK))
        return;
    const HugeSetting setting;
    HugeSetting::set("force");
    ask(report, "huge pages: first write, in order, a page of 4 KiB",
        [&](Kind kind) { return fault(kind, *place, in_order, true); });
    ask(report, "huge pages: first write, at random, a page of 4 KiB",
        [&](Kind kind) { return fault(kind, *place, at_random, true); });
}

} // namespace bench

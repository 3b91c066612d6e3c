// SPDX-License-Identifier: Apache-2.0
// (c) PIN, UNPIN and GET_PIN_STATUS of single pages with a page between them, of which there
// are 1 to 100,000: each of them is unpinned, asked for and pinned, in order, from the last
// to the first, or at random.
//
// MADV_FREE on anonymous memory is the peer for UNPIN, and a write to the page for PIN: it
// takes the page back. It has nothing for the status. The floor is the same ioctl to
// /dev/null, which refuses it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "costs/memory.hpp"
#include "questions.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::must;
using costs::page;
using costs::pin_call;
using Order = std::vector<std::size_t>;

// A figure is the median of as many sweeps as have so many calls, if they are short; a tick
// of the clock, or memory that is freed late, is in a few of them.
constexpr std::size_t least_calls = 2000, short_sweep = 1000, short_sweeps = 9;
constexpr std::size_t middle_sweep = 10'000, middle_sweeps = 3;

// A driver whose cost grows with the number is not asked where a sweep would take minutes.
constexpr double most_taken = 1e10;

// as many anonymous pages as memory has room for
constexpr std::size_t most_anonymous = 10'000;

// what each call of a sweep took
struct Sweep {
    double unpin, status, pin;
};

template <typename Work>
double each(const Order& order, Work work) {
    return costs::once([&] {
               for (const std::size_t i : order)
                   work(i);
           }) /
           static_cast<double>(order.size());
}

class Region {
public:
    explicit Region(std::size_t ranges) : region_(test::Region::of_pages(2 * ranges)) {
        // the first map makes the file
        region_.map_pages(1).unmap();
    }
    Sweep sweep(const Order& order) {
        const auto call = [&](unsigned long command) {
            return each(order, [&](std::size_t i) { pin_call(region_.fd(), command, 2 * i, 1); });
        };
        return {call(ASHMEM_UNPIN), call(ASHMEM_GET_PIN_STATUS), call(ASHMEM_PIN)};
    }

private:
    test::Region region_;
};

class Anonymous {
public:
    explicit Anonymous(std::size_t ranges)
        : map_(-1, 2 * ranges * page, test::rw, MAP_PRIVATE | MAP_ANONYMOUS) {
        must(madvise(map_.address(), map_.size(), MADV_NOHUGEPAGE), "madvise");
        for (std::size_t i = 0; i < ranges; ++i)
            map_[2 * i * page] = 1;
    }
    Sweep sweep(const Order& order) {
        char* const bytes = static_cast<char*>(map_.address());
        const double freed = each(order, [&](std::size_t i) {
            must(madvise(bytes + 2 * i * page, page, MADV_FREE), "MADV_FREE");
        });
        return {freed, 0, each(order, [&](std::size_t i) { map_[2 * i * page] = 1; })};
    }

private:
    test::Map map_;
};

class Null {
public:
    explicit Null(std::size_t /*ranges*/)
        : fd_(static_cast<int>(must(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null"))) {}
    Null(const Null&) = delete;
    Null& operator=(const Null&) = delete;
    ~Null() { close(fd_); }
    Sweep sweep(const Order& order) {
        const auto call = [&](unsigned long command) {
            return each(order, [&](std::size_t i) {
                const ashmem_pin range{static_cast<std::uint32_t>(2 * i * page), page};
                ioctl(fd_, command, &range);
            });
        };
        return {call(ASHMEM_UNPIN), call(ASHMEM_GET_PIN_STATUS), call(ASHMEM_PIN)};
    }

private:
    int fd_;
};

std::size_t sweeps_of(std::size_t ranges) {
    if (ranges <= short_sweep) return std::max(short_sweeps, least_calls / ranges);
    return ranges <= middle_sweep ? middle_sweeps : 1;
}

// The median of sweeps after one that does not count; of one sweep where it is long.
template <typename Memory>
Sweep measure(std::size_t ranges, const Order& order) {
    Memory memory(ranges);
    const std::size_t sweeps = sweeps_of(ranges);
    if (sweeps > 1) memory.sweep(order);
    std::array<std::vector<double>, 3> all;
    for (std::size_t i = 0; i < sweeps; ++i) {
        const Sweep one = memory.sweep(order);
        all[0].push_back(one.unpin);
        all[1].push_back(one.status);
        all[2].push_back(one.pin);
    }
    return {costs::median(all[0]), costs::median(all[1]), costs::median(all[2])};
}

class Series {
public:
    Series(Report& report, std::string name, std::vector<std::size_t> (*order)(std::size_t))
        : report_(report), name_(std::move(name)), order_(order) {}

    void ask(std::size_t ranges) {
        const Order order = order_(ranges);
        if (10 * last_ * static_cast<double>(ranges) < most_taken) {
            const Sweep ours = measure<Region>(ranges, order);
            last_ = ours.unpin + ours.status + ours.pin;
            add(ranges, "ashmem", ours);
        }
        if (ranges <= most_anonymous) {
            const Sweep peer = measure<Anonymous>(ranges, order);
            add_one(ranges, "UNPIN", "MADV_FREE", peer.unpin);
            add_one(ranges, "PIN", "MADV_FREE", peer.pin);
        }
        add(ranges, "floor", measure<Null>(ranges, order));
    }

private:
    void add_one(std::size_t ranges, const std::string& call, const char* who, double value) {
        bench::add(report_, {"c", call + ' ' + name_, clock_unit(), ranges}, who, value);
    }
    void add(std::size_t ranges, const char* who, const Sweep& sweep) {
        add_one(ranges, "UNPIN", who, sweep.unpin);
        add_one(ranges, "GET_PIN_STATUS", who, sweep.status);
        add_one(ranges, "PIN", who, sweep.pin);
    }

    Report& report_;
    std::string name_;
    std::vector<std::size_t> (*order_)(std::size_t);
    double last_ = 0; // what three calls took
};

Order in_order(std::size_t ranges) {
    Order order(ranges);
    std::iota(order.begin(), order.end(), 0);
    return order;
}

Order reversed(std::size_t ranges) {
    Order order = in_order(ranges);
    std::reverse(order.begin(), order.end());
    return order;
}

Order at_random(std::size_t ranges) {
    Order order = in_order(ranges);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    return order;
}

} // namespace

void ask_pins(Report& report) {
    for (Series series :
         {Series(report, "in order", in_order), Series(report, "reversed", reversed),
          Series(report, "at random", at_random)})
        for (const std::size_t ranges : {1, 10, 100, 1'000, 10'000, 100'000})
            series.ask(ranges);
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// Caches that yield: by UNPIN, by MADV_FREE, by MAP_DROPPABLE, and by hand at a message of
// the kernel's pressure stall information (PSI).
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/unique_fd.hpp>
#include <atomic>
#include <thread>

#include "yields.hpp"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

namespace bench::yields {

using ashmem::unique_fd;
using costs::must;
using test::Map;

namespace {

constexpr std::size_t pages_each = entry_size / costs::page;
constexpr unsigned char mark = 0x5a;

// Small pages, so that what is lost is counted alike everywhere.
Map anonymous(int flags) {
    Map map(-1, entries * entry_size, test::rw, MAP_ANONYMOUS | flags);
    must(madvise(map.address(), map.size(), MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
    return map;
}

class Unpinned final : public Cache {
public:
    Unpinned() : Unpinned(test::Region::of_pages(entries * pages_each)) {}
    void offer(std::size_t entry) override { (void)pin_call(entry, ASHMEM_UNPIN); }
    bool take_back(std::size_t entry) override {
        return pin_call(entry, ASHMEM_PIN) == ASHMEM_WAS_PURGED;
    }

private:
    explicit Unpinned(test::Region region)
        : Cache(region.map_pages(entries * pages_each)), region_(std::move(region)) {}
    [[nodiscard]] long pin_call(std::size_t entry, unsigned long command) const {
        return costs::pin_call(region_.fd(), command, entry * pages_each, pages_each);
    }
    test::Region region_;
};

// No call tells what was lost.
class Freed final : public Cache {
public:
    Freed() : Cache(anonymous(MAP_PRIVATE)) {}
    void offer(std::size_t entry) override {
        must(madvise(at(entry), entry_size, MADV_FREE), "MADV_FREE");
    }
    bool take_back(std::size_t) override { return false; }
};

// All of it is offered as long as it exists, and no call tells what was lost.
class Droppable final : public Cache {
public:
    Droppable() : Cache(anonymous(MAP_DROPPABLE)) {}
    void offer(std::size_t) override {}
    bool take_back(std::size_t) override { return false; }
};

// Drops a quarter of what is offered, the oldest first, whenever tasks of the cgroup waited
// 10 ms for memory within half a second, the shortest time that the kernel watches.
class Listener final : public Cache {
public:
    explicit Listener(const std::string& group)
        : Cache(anonymous(MAP_PRIVATE)),
          pressure_(static_cast<int>(
              must(open((group + "/memory.pressure").c_str(), O_RDWR | O_CLOEXEC), "PSI"))),
          stop_(static_cast<int>(must(eventfd(0, EFD_CLOEXEC), "eventfd"))) {
        constexpr char trigger[] = "some 10000 500000";
        must(write(pressure_.get(), trigger, sizeof(trigger)), trigger);
        thread_ = std::thread([this] { listen(); });
    }
    ~Listener() override {
        must(eventfd_write(stop_.get(), 1), "eventfd");
        thread_.join();
    }
    void offer(std::size_t entry) override { end_ = entry + 1; }
    bool take_back(std::size_t entry) override {
        end_ = 0; // nothing is offered any more
        return entry < next_;
    }

private:
    void listen() {
        std::array<pollfd, 2> events{{{pressure_.get(), POLLPRI, 0}, {stop_.get(), POLLIN, 0}}};
        while (poll(events.data(), events.size(), -1) >= 0 && !events[1].revents)
            if (events[0].revents & POLLPRI) drop();
    }
    void drop() {
        constexpr std::size_t quarter = (entries - in_use) / 4;
        const std::size_t last = std::min<std::size_t>(next_ + quarter, end_);
        for (; next_ < last; ++next_)
            madvise(at(next_), entry_size, MADV_DONTNEED);
    }

    unique_fd pressure_, stop_;
    std::atomic<std::size_t> next_{in_use}, end_{in_use};
    std::thread thread_;
};

bool has_droppable() {
    constexpr std::size_t size = entry_size;
    void* const map = mmap(nullptr, size, test::rw, MAP_ANONYMOUS | MAP_DROPPABLE, -1, 0);
    return map != MAP_FAILED && munmap(map, size) == 0;
}

template <typename T>
std::unique_ptr<Cache> make(const std::string&) {
    return std::make_unique<T>();
}

} // namespace

void Cache::fill_and_offer() {
    for (std::size_t at = 0; at < map_.size(); at += costs::page)
        map_[at] = mark;
    for (std::size_t entry = in_use; entry < entries; ++entry)
        offer(entry);
}

std::vector<std::size_t> Cache::gone() const {
    std::vector<unsigned char> there(entries * pages_each);
    must(mincore(map_.address(), map_.size(), there.data()), "mincore");
    std::vector<std::size_t> all;
    for (auto from = there.begin(); from != there.end(); from += pages_each)
        all.push_back(static_cast<std::size_t>(
            std::count_if(from, from + pages_each, [](auto page) { return !(page & 1); })));
    return all;
}

std::size_t Cache::unmarked(std::size_t entry) const {
    std::size_t zero = 0;
    for (std::size_t page = 0; page < pages_each; ++page)
        zero += map_[entry * entry_size + page * costs::page] != mark;
    return zero;
}

std::vector<Named> caches() {
    std::vector<Named> all{{"ashmem", make<Unpinned>}, {"MADV_FREE", make<Freed>}};
    if (has_droppable()) all.push_back({"MAP_DROPPABLE", make<Droppable>});
    if (access("/proc/pressure/memory", F_OK) == 0)
        all.push_back({"PSI", [](const std::string& group) -> std::unique_ptr<Cache> {
                           return std::make_unique<Listener>(group);
                       }});
    return all;
}

} // namespace bench::yields

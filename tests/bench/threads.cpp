// SPDX-License-Identifier: Apache-2.0
// Several threads at once: how long an operation takes of all of them together, and which
// locks they take and wait for.
//
// Any kernel from 5.19 on counts waits for mutexes and rwsems. It does not count those for
// spinlocks in a virtual machine, where they are plain ones. A kernel with lockdep also
// counts the locks that are taken, and with CONFIG_LOCK_STAT waits for locks by name.
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "costs/memory.hpp"
#include "counter.hpp"
#include "questions.hpp"
#include "support/cgroup.hpp"
#include "support/process.hpp"
#include "tracepoint.hpp"

namespace bench {
namespace {

using costs::must;

constexpr std::size_t pages = 16; // of each worker
constexpr int most_workers = 8;
constexpr std::int64_t turn = 20'000'000; // nanoseconds that all work at once

// Who works, and on what.
struct Shape {
    const char* what;
    bool one_memory; // of which each worker has its own pages
    bool processes;  // since a memory cgroup has whole processes
    bool groups;     // each process in one of its own, else all in one
};
constexpr Shape own{"own regions", false, false, false};
constexpr Shape same{"one region", true, false, false};
constexpr Shape one_group{"processes of one memory cgroup", false, true, false};
constexpr Shape many_groups{"processes of as many memory cgroups", false, true, true};

// What is done again and again. A worker prepares by its number, 0 if it works by itself.
using Operation = std::function<void()>;
struct Work {
    const char* subject;
    std::function<Operation(std::size_t worker)> prepare;
};

struct Row {
    const char* what;
    std::vector<Shape> shapes;
    // what workers share is made here
    std::vector<Work> (*works)(const Shape& shape);
};

// Memory of these many workers, touched.
struct Memory {
    explicit Memory(std::size_t workers)
        : region(test::Region::of_pages(workers * pages)),
          map(region.map_pages(workers * pages)),
          anonymous(-1, map.size(), test::rw, MAP_PRIVATE | MAP_ANONYMOUS) {
        costs::touch(map);
        costs::touch(anonymous);
    }
    test::Region region;
    test::Map map, anonymous;
};

Operation unpin_and_pin(const std::shared_ptr<Memory>& memory, std::size_t worker) {
    return [memory, first = worker * pages] {
        costs::pin_call(memory->region.fd(), ASHMEM_UNPIN, first, pages);
        costs::pin_call(memory->region.fd(), ASHMEM_PIN, first, pages);
    };
}

// Taken back by a write to each page, after a look whether it still has its contents.
Operation free_and_use(const std::shared_ptr<Memory>& memory, std::size_t worker) {
    return [memory, first = worker * pages * costs::page] {
        auto* const at = memory->anonymous.data() + first;
        must(madvise(const_cast<unsigned char*>(at), pages * costs::page, MADV_FREE), "MADV_FREE");
        for (std::size_t i = 0; i < pages; ++i) {
            if (at[i * costs::page] != 1) throw std::runtime_error("a page was lost");
            at[i * costs::page] = 1;
        }
    };
}

std::vector<Work> offers(const Shape& shape) {
    const auto shared = shape.one_memory ? std::make_shared<Memory>(most_workers) : nullptr;
    const auto work = [shared](auto operation) {
        return [shared, operation](std::size_t worker) {
            return shared ? operation(shared, worker) : operation(std::make_shared<Memory>(1), 0);
        };
    };
    return {{"ashmem", work(unpin_and_pin)}, {"MADV_FREE", work(free_and_use)}};
}

void use(int fd) {
    costs::touch(test::Map(fd, pages * costs::page));
}

std::vector<Work> lives(const Shape&) {
    return {
        {"ashmem", [](std::size_t) { return [] { use(test::Region::of_pages(pages).fd()); }; }},
        {"memfd", [](std::size_t) { return [] { use(costs::Memfd(pages * costs::page).fd()); }; }}};
}

// Workers that begin at one moment, and stay until nobody counts any more.
class Crowd {
public:
    Crowd(int workers, const Shape& shape, const Work& work)
        : workers_(static_cast<std::size_t>(workers)) {
        if (shape.processes) make_groups(shape.groups ? workers : 1);
        for (std::size_t worker = 0; worker < workers_; ++worker) {
            if (shape.processes)
                children_.emplace_back([this, &work, worker] {
                    groups_[worker % groups_.size()]->join();
                    run(work, worker);
                    return 0;
                });
            else
                threads_.emplace_back([this, &work, worker] { run(work, worker); });
        }
        moments_->ready.wait_for(static_cast<std::uint32_t>(workers));
    }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    ~Crowd() {
        moments_->leave.add();
        for (auto& thread : threads_)
            thread.join();
        children_.clear();
        groups_.clear();
    }

    struct Done {
        double operations, nanoseconds;
    };
    // what all did together, until the last one ended
    Done work() {
        const auto start = costs::now();
        moments_->end = start + turn;
        moments_->begin.add();
        moments_->done.wait_for(static_cast<std::uint32_t>(workers_));
        Done all{0, static_cast<double>(costs::now() - start)};
        for (std::size_t worker = 0; worker < workers_; ++worker)
            all.operations += static_cast<double>(moments_->operations[worker]);
        return all;
    }

private:
    struct Moments {
        Counter ready, begin, done, leave;
        std::int64_t end;
        std::uint64_t operations[most_workers];
    };

    void make_groups(int count) {
        for (int i = 0; i < count; ++i)
            groups_.push_back(std::make_unique<test::Cgroup>("threads-" + std::to_string(i)));
    }

    void run(const Work& work, std::size_t worker) const {
        const Operation operation = work.prepare(worker);
        moments_->ready.add();
        moments_->begin.wait_for(1);
        std::uint64_t operations = 0;
        for (; costs::now() < moments_->end || operations == 0; ++operations)
            operation();
        moments_->operations[worker] = operations;
        moments_->done.add();
        moments_->leave.wait_for(1);
    }

    std::size_t workers_;
    Shared<Moments> moments_;
    std::vector<std::unique_ptr<test::Cgroup>> groups_;
    std::vector<std::thread> threads_;
    std::list<test::Child> children_;
};

struct Count {
    const char* what;
    const char* tracepoint;
    const char* filter;
};

constexpr std::string_view found_locked = "mutexes found locked";

// The numbers are LCB_F_ of the kernel's trace/events/lock.h. Who finds a mutex locked first
// spins for it (33), and sleeps if that does not help (32).
constexpr Count counts[] = {
    {found_locked.data(), "lock/contention_begin", "flags == 33"},
    {"mutexes slept for", "lock/contention_begin", "flags == 32"},
    {"rwsems waited for", "lock/contention_begin", "flags == 2 || flags == 4"},
    {"the region's lock taken", "lock/lock_acquire",
     R"(name == "&region->lock" || name == "ashmem_mutex")"},
    {"a lock of the list of ranges taken", "lock/lock_acquire",
     R"(name == "&nlru->lock" || name == "&l->lock" || name == "&lru->node[i].lock")"},
    {"locks taken in all", "lock/lock_acquire", R"(!(name ~ "rcu_*"))"},
    {"the region's lock waited for", "lock/lock_contended",
     R"(name == "&region->lock" || name == "ashmem_mutex")"},
    {"a lock of the list of ranges waited for", "lock/lock_contended",
     R"(name == "&nlru->lock" || name == "&l->lock" || name == "&lru->node[i].lock")"},
};

// A kernel with lockdep checks every lock, so that its times say nothing; and it takes each
// mutex as if it had been found locked.
bool has_lockdep() {
    return !test::read_file("/sys/kernel/tracing/events/lock/lock_acquire/id").empty();
}

// To count takes time, so nothing is timed meanwhile.
void count_locks(Report& report, const std::string& row, int workers, const Shape& shape,
                 const Work& work) {
    for (const auto& [what, tracepoint, filter] : counts) {
        const auto counter = Tracepoint::find(tracepoint, filter);
        if (!counter || (has_lockdep() && what == found_locked)) continue;
        Crowd crowd(workers, shape, work);
        counter->start();
        const auto done = crowd.work();
        counter->stop();
        report.add({"d", row + ": " + what + ", of 1000", work.subject,
                    static_cast<double>(counter->count()) * 1000 / done.operations, "locks",
                    static_cast<std::uint64_t>(workers)});
    }
}

void time_works(Report& report, const std::string& text, int workers, const Shape& shape,
                const std::vector<Work>& works) {
    constexpr int rounds = 5;
    std::vector<std::vector<double>> times(works.size());
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < works.size(); ++i) {
            const auto done = Crowd(workers, shape, works[i]).work();
            times[i].push_back(done.nanoseconds / done.operations);
        }
    for (std::size_t i = 0; i < works.size(); ++i)
        report.add({"d", text, works[i].subject, costs::median(times[i]), "ns",
                    static_cast<std::uint64_t>(workers)});
}

using Ask = void (*)(Report&, const std::string&, int, const Shape&, const std::vector<Work>&);

void count_works(Report& report, const std::string& text, int workers, const Shape& shape,
                 const std::vector<Work>& works) {
    // one worker waits for nobody
    for (const Work& work : works)
        if (workers > 1) count_locks(report, text, workers, shape, work);
}

void ask_each(Report& report, Ask ask) {
    const Row rows[] = {
        {"16 pages offered and taken back", {own, same, one_group, many_groups}, offers},
        {"16 pages made, touched, given up", {own, one_group, many_groups}, lives},
    };
    for (const auto& [what, shapes, works] : rows)
        for (const Shape& shape : shapes)
            for (const int workers : {1, 2, 4, 8})
                ask(report, std::string(what) + ", " + shape.what, workers, shape, works(shape));
}

} // namespace

void ask_threads(Report& report) {
    if (!has_lockdep()) ask_each(report, time_works);
    // A kernel rewrites its code when the first counter of a tracepoint is opened and when the
    // last one is closed, which an emulated machine with several processors does not always
    // survive. So some of each stay open as long as any is wanted.
    std::vector<std::optional<Tracepoint>> kept;
    for (const auto& [what, tracepoint, filter] : counts)
        kept.push_back(Tracepoint::find(tracepoint, filter));
    ask_each(report, count_works);
}

} // namespace bench

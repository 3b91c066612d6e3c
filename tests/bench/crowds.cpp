// SPDX-License-Identifier: Apache-2.0
// (k) 1,000 to 100,000 regions at once, each with ten unpinned ranges: what one more life,
// a PIN and a status cost among them, and what reclaim costs for each page that it frees.
// The peer is a crowd of memfds, whose pages are punched out.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <random>

#include "costs/shapes.hpp"
#include "memories.hpp"
#include "questions.hpp"
#include "support/process.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::must;
using costs::page;
using costs::pin_call;

constexpr std::size_t size = 20 * page, ranges = 10;
constexpr costs::Pace lives{7, 300, 4000};
constexpr std::size_t few = 1000, most = 100'000;

// Memory of one kind, of which each has its first page in use.
class Crowd {
public:
    Crowd(Kind kind, std::size_t count) {
        all_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            all_.push_back(std::make_unique<SharedMemory>(kind, size));
            auto* const bytes = static_cast<volatile char*>(all_.back()->map());
            bytes[0] = 1;
            all_.back()->unmap(const_cast<char*>(bytes));
            if (kind == Kind::ashmem) unpin(all_.back()->id());
        }
    }
    [[nodiscard]] int any(std::mt19937& random) const { return all_[random() % all_.size()]->id(); }
    [[nodiscard]] std::size_t count() const { return all_.size(); }
    void punch() const {
        for (const auto& memory : all_)
            must(fallocate(memory->id(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, page),
                 "fallocate");
    }

private:
    static void unpin(int fd) {
        for (std::size_t i = 0; i < ranges; ++i)
            pin_call(fd, ASHMEM_UNPIN, 2 * i, 1);
    }
    std::vector<std::unique_ptr<SharedMemory>> all_;
};

void live(Kind kind) {
    const SharedMemory memory(kind, size);
    memory.unmap(memory.map());
}

class Question {
public:
    Question(Report& report, std::size_t count) : report_(report), count_(count) {}

    void ask_ours() {
        Samples made, freed, ended;
        for (int round = 0; round < rounds(); ++round) {
            std::unique_ptr<Crowd> crowd;
            made.push_back(each([&] { crowd = std::make_unique<Crowd>(Kind::ashmem, count_); }));
            if (round == 0) {
                ask_life(Kind::ashmem);
                ask_pins(*crowd);
            }
            freed.push_back(reclaimed());
            ended.push_back(each([&] { crowd.reset(); }));
        }
        add("a region made, a page written, ranges unpinned", "ashmem", middle(made));
        add(freed_page, "ashmem", middle(freed));
        add("a region ended", "ashmem", middle(ended));
    }

    void ask_memfd() {
        Samples freed, ended;
        for (int round = 0; round < rounds(); ++round) {
            auto crowd = std::make_unique<Crowd>(Kind::memfd, count_);
            if (round == 0) ask_life(Kind::memfd);
            freed.push_back(each([&] { crowd->punch(); }));
            ended.push_back(each([&] { crowd.reset(); }));
        }
        add(freed_page, "memfd", middle(freed));
        add("a region ended", "memfd", middle(ended));
    }

private:
    using Samples = std::vector<double>;
    static constexpr const char* freed_page = "a page freed: reclaim, or punched by its owner";

    [[nodiscard]] double count() const { return static_cast<double>(count_); }
    // what comes late is a large part of a small crowd's cost
    [[nodiscard]] int rounds() const { return count_ <= few ? 25 : count_ < most ? 4 : 1; }
    template <typename Work>
    [[nodiscard]] double each(Work work) const {
        return costs::once(work) / count();
    }
    void add(const char* what, const char* who, double value) {
        bench::add(report_, {"k", what, clock_unit(), count_}, who, value);
    }
    void ask_life(Kind kind) {
        take_turns(report_, {"k", "one more life", clock_unit(), count_}, lives.batches,
                   {{subject(kind), paced(lives, [=] { live(kind); })}});
    }
    void ask_pins(const Crowd& crowd) {
        std::mt19937 random(1);
        add("PIN and UNPIN of a page in any region", "ashmem", costs::cost(costs::calls, [&] {
                const int fd = crowd.any(random);
                pin_call(fd, ASHMEM_PIN, 2, 1);
                pin_call(fd, ASHMEM_UNPIN, 2, 1);
            }));
        add("GET_PIN_STATUS of a page in any region", "ashmem", costs::cost(costs::calls, [&] {
                pin_call(crowd.any(random), ASHMEM_GET_PIN_STATUS, 2, 1);
            }));
    }
    // less what it takes when nothing is left
    [[nodiscard]] double reclaimed() const {
        const double before = shared_pages(), taken = costs::drop_caches();
        const double freed = before - shared_pages();
        if (freed < count() / 2) throw std::runtime_error("reclaim left most pages");
        return (taken - costs::drop_caches()) / freed;
    }
    static double shared_pages() { return static_cast<double>(test::meminfo("Shmem")) / page; }

    Report& report_;
    std::size_t count_;
};

} // namespace

void ask_crowds(Report& report) {
    const rlimit files = {most + 1000, most + 1000};
    must(setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
    costs::steady_pages();
    costs::settle_reclaim();
    for (std::size_t count = few; count <= most; count *= 10) {
        Question question(report, count);
        question.ask_ours();
        question.ask_memfd();
    }
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
// Bytes from one process to another. "copied in and out": from a buffer of the sender's into
// one of the receiver's, whatever lies between. "made and added up": the sender writes each
// word and the receiver reads it, in place where both have the memory, else in buffers that
// are sent. "sent, until they are there": the same as the first, and the receiver says that it has
// it.
#include "channels.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "costs/measure.hpp"
#include "counter.hpp"
#include "questions.hpp"
#include "support/process.hpp"

namespace bench {
namespace channels {

void write_numbers(std::span<std::byte> bytes, Word first) {
    auto* words = reinterpret_cast<Word*>(bytes.data());
    for (std::size_t i = 0; i < bytes.size() / sizeof(Word); ++i)
        words[i] = first + i;
}

Word sum_of(std::span<const std::byte> bytes) {
    const auto* words = reinterpret_cast<const Word*>(bytes.data());
    Word sum = 0;
    for (std::size_t i = 0; i < bytes.size() / sizeof(Word); ++i)
        sum += words[i];
    return sum;
}

Word sum_of_numbers(std::size_t bytes, Word first) {
    const Word count = bytes / sizeof(Word);
    return count * first + count * (count - 1) / 2;
}

namespace {

struct Progress {
    Counter ready, taken;
};

// The receiver's part; false if something else arrived than what was sent.
bool take(Way& way, Progress& progress, const Transfer& transfer) {
    std::vector<std::byte> own(transfer.size, std::byte{1});
    way.receive(std::span(own).first(std::min(own.size(), capacity)));
    progress.ready.add();
    bool well = true;
    for (int i = 0; i < transfer.messages; ++i) {
        if (transfer.in_place)
            well = way.add_up(own) == sum_of_numbers(own.size(), static_cast<Word>(i)) && well;
        else
            way.receive(own);
        progress.taken.add();
    }
    return well && (transfer.in_place || sum_of(own) == sum_of_numbers(own.size(), 0));
}

// Nanoseconds of a message. One that is not counted touches all memory first.
double message(const Named& named, const Transfer& transfer) {
    const auto way = named.make();
    const Shared<Progress> progress;
    test::Child receiver([&] { return take(*way, *progress, transfer) ? 0 : 1; });
    std::vector<std::byte> own(transfer.size);
    write_numbers(own, 0);
    way->send(std::span(own).first(std::min(own.size(), capacity)));
    progress->ready.wait_for(1);
    const auto start = costs::now();
    for (int i = 0; i < transfer.messages; ++i) {
        const auto number = static_cast<std::uint32_t>(i);
        if (transfer.in_place)
            way->make(own, number);
        else
            way->send(own);
        if (transfer.answered) progress->taken.wait_for(number + 1);
    }
    progress->taken.wait_for(static_cast<std::uint32_t>(transfer.messages));
    const auto taken = static_cast<double>(costs::now() - start);
    if (receiver.wait() != 0)
        throw std::runtime_error(std::string(named.subject) + ": not what was sent");
    return taken / transfer.messages;
}

double round_trip(const Named& named, std::size_t size, int trips) {
    const auto there = named.make(), back = named.make();
    const int all = trips + trips / 10;
    test::Child echo([&] {
        std::vector<std::byte> bytes(size);
        for (int i = 0; i < all; ++i) {
            there->receive(bytes);
            back->send(bytes);
        }
        return 0;
    });
    std::vector<std::byte> bytes(size);
    const auto trip = [&] {
        there->send(bytes);
        back->receive(bytes);
    };
    const double taken = costs::batch({1, trips / 10, trips}, trip);
    if (echo.wait() != 0) throw std::runtime_error(named.subject);
    return taken;
}

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (auto* const list : {&shared_memories, &of_the_kernel})
        for (const Named& named : list())
            all.push_back(
                {named.subject,
                 [named](const Transfer& transfer) { return message(named, transfer); },
                 [named](std::size_t size, int trips) { return round_trip(named, size, trips); }});
    for (Subject& subject : binder())
        all.push_back(std::move(subject));
    return all;
}

struct Row {
    std::string what;
    std::size_t size;
    int rounds;
    const char* unit;
};

// A figure of each subject that can do it, made from nanoseconds; they take turns.
template <typename Measure, typename Convert>
void ask_row(Report& report, const std::vector<Subject>& all, const Row& row,
             const Measure& measure, const Convert& convert) {
    std::vector<std::vector<double>> times(all.size());
    for (int round = 0; round < row.rounds; ++round)
        for (std::size_t i = 0; i < all.size(); ++i)
            if (row.size <= all[i].largest) times[i].push_back(measure(all[i]));
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!times[i].empty())
            report.add(
                {"h", row.what, all[i].name, convert(costs::median(times[i])), row.unit, row.size});
}

struct Size {
    std::size_t bytes;
    int messages;
    int rounds;
};
constexpr Size sizes[] = {{std::size_t{4} << 10, 256, 9},
                          {std::size_t{64} << 10, 64, 9},
                          {std::size_t{1} << 20, 8, 5},
                          {std::size_t{16} << 20, 1, 3},
                          {std::size_t{64} << 20, 1, 3}};

void ask_sizes(Report& report, const std::vector<Subject>& all, const char* what, bool in_place) {
    for (const auto& [bytes, messages, rounds] : sizes)
        ask_row(
            report, all, {what, bytes, rounds, "MiB/s"},
            [&, size = bytes, count = messages](const Subject& subject) {
                return subject.message({size, count, in_place, false});
            },
            [size = bytes](double nanoseconds) {
                return static_cast<double>(size) / (1 << 20) * 1e9 / nanoseconds;
            });
}

} // namespace
} // namespace channels

void ask_channels(Report& report) {
    using namespace channels;
    constexpr std::size_t small = 64;
    const auto all = subjects();
    const auto microseconds = [](double nanoseconds) { return nanoseconds / 1000; };
    ask_row(
        report, all, {"bytes there and back", small, 9, "us"},
        [](const Subject& subject) { return subject.round_trip(small, 500); }, microseconds);
    // of larger ones there is one at a time anyway
    for (const auto& [bytes, messages, rounds] : std::span(sizes).first(3))
        ask_row(
            report, all, {"bytes sent, until they are there", bytes, rounds, "us"},
            [size = bytes, count = messages](const Subject& subject) {
                return subject.message({size, count, false, true});
            },
            microseconds);
    ask_sizes(report, all, "bytes copied in and out", false);
    ask_sizes(report, all, "bytes made and added up", true);
}

} // namespace bench

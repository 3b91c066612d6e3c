// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which parts of a memory are free.
 */
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace ashmem {

/** Free runs of bytes, by where they begin, none of which touches another. */
class Runs {
    using Map = std::map<std::size_t, std::size_t>; // length by offset

public:
    /** A run that is taken. It owns what giving it back needs, so that this never fails. */
    class Run {
    public:
        /** None yet. */
        Run() noexcept = default;
        [[nodiscard]] std::size_t offset() const noexcept { return node_.key(); }
        [[nodiscard]] std::size_t length() const noexcept { return node_.mapped(); }

    private:
        friend class Runs;
        explicit Run(Map::node_type node) noexcept : node_(std::move(node)) {}
        Map::node_type node_;
    };

    /** All bytes are free. */
    explicit Runs(std::size_t size) : size_(size) { free_.emplace(0, size); }

    /** Take from the lowest run that is long enough. */
    [[nodiscard]] std::optional<Run> take(std::size_t length) {
        for (auto run = free_.begin(); run != free_.end(); ++run) {
            if (run->second < length) continue;
            if (run->second == length) return Run(free_.extract(run));
            // from its end: what remains keeps its place
            Map one{{run->first + run->second - length, length}};
            run->second -= length;
            return Run(one.extract(one.begin()));
        }
        return std::nullopt;
    }

    void put(Run run) noexcept {
        auto at = free_.insert(std::move(run.node_)).position;
        if (at != free_.begin() && touches(std::prev(at), at)) at = join(std::prev(at));
        if (std::next(at) != free_.end() && touches(at, std::next(at))) join(at);
    }

    /** Whether all of it is free. */
    [[nodiscard]] bool all_free() const noexcept {
        return free_.size() == 1 && free_.begin()->second == size_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static bool touches(Map::iterator run, Map::iterator next) noexcept {
        return run->first + run->second == next->first;
    }
    /** Make one of a run and the next; answers that one. */
    Map::iterator join(Map::iterator run) noexcept {
        run->second += std::next(run)->second;
        free_.erase(std::next(run));
        return run;
    }

    std::size_t size_;
    Map free_;
};

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// The memory of one process: pieces of regions, more of them than there is memory for, of
// which a few are pinned at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "support/region.hpp"

namespace endurance {

// What a process has done so far. Lives in memory that its watcher shares.
struct Progress {
    std::atomic<std::uint64_t> steps;    // calls, and pages that were filled or read
    std::atomic<std::uint64_t> unpinned; // bytes
    std::atomic<std::uint64_t> purged;   // pieces of which PIN said so
    std::atomic<std::uint64_t> kept;     // pieces that had been unpinned and were whole
    std::atomic<std::uint64_t> lost;     // pages of a pinned or kept piece with other bytes
    std::atomic<std::uint64_t> refused;  // calls that failed
};

class Pieces {
public:
    // bytes: of all pieces. pinned: how many pieces are pinned at a time, at most
    Pieces(std::size_t bytes, std::size_t pinned, std::uint32_t seed, Progress& progress);

    // Pins a piece and unpins the one that has been pinned longest.
    void turn();
    // a piece and all regions have this size
    static constexpr std::size_t piece_bytes = std::size_t{1} << 19;
    static constexpr std::size_t in_region = 8;

private:
    struct Piece {
        std::size_t region, first;  // its pages
        std::uint64_t contents = 0; // what its words are made of, 0 before it was filled
        bool pinned = false;
    };
    struct Memory {
        test::Region region;
        test::Map map;
    };

    [[nodiscard]] volatile std::uint64_t* words(const Piece& piece, std::size_t page) const;
    void fill(Piece& piece);
    void check(const Piece& piece);
    void pin(Piece& piece);
    void unpin(Piece& piece);
    void must(bool well) { progress_.refused += well ? 0 : 1; }

    std::vector<Memory> memory_;
    std::vector<Piece> pieces_;
    std::deque<std::size_t> pinned_; // oldest first
    std::size_t most_pinned_;
    std::mt19937 random_;
    Progress& progress_;
};

} // namespace endurance

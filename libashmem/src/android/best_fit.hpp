// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which parts of a heap are taken: numbers only, no memory.
 */
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace android::heap {

/** Offsets are what allocate() answered; all sizes are in bytes. Thread-safe. */
class BestFit {
public:
    /** Granule of offsets and of what is taken. */
    static constexpr std::size_t alignment = 32;

    explicit BestFit(std::size_t size);

    /** Take the smallest hole that fits, the lowest of several; nothing if there is none. */
    [[nodiscard]] std::optional<std::size_t> allocate(std::size_t size);

    struct Chunk {
        std::size_t offset, size;
    };
    /** What deallocate() of this offset would give back. */
    [[nodiscard]] Chunk find(std::size_t offset) const;
    /** Give back what is taken there. */
    void deallocate(std::size_t offset);

    [[nodiscard]] std::size_t free_space() const;
    [[nodiscard]] std::size_t largest_free_block() const;
    /** A line a chunk. */
    [[nodiscard]] std::string describe() const;

private:
    struct State {
        std::size_t size;
        bool taken;
    };
    using Chunks = std::map<std::size_t, State>;

    void join_with_next(Chunks::iterator chunk);

    mutable std::mutex mutex_;
    Chunks chunks_; ///< by offset, without gaps; no two holes touch
};

} // namespace android::heap

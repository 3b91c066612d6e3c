// SPDX-License-Identifier: Apache-2.0
// What the actors of a program share: the regions that they opened, what is known of each
// whatever order the actors ran in, and the first complaint.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "kfuzz/step.hpp"

namespace kfuzz {

// What is known of a region. Every page that is written gets the same bytes, so that it does
// not matter who writes it or when.
class Region {
public:
    static constexpr std::size_t most_pages = 512;

    void reset();

    // Before a SET_SIZE: what the size may be from then on.
    void may_have(std::uint64_t size);
    // Before an UNPIN: whatever the size will be by then.
    void may_unpin(std::uint32_t offset, std::uint32_t length);
    // After a PIN by the only actor of a region: the pages hold what they held, or nothing.
    void pinned(std::uint32_t offset, std::uint32_t length, bool was_purged);
    // After a page's bytes were written.
    void wrote(std::uint64_t page);
    // Whether a page must hold its bytes: written, and not unpinned since.
    [[nodiscard]] bool must_hold(std::uint64_t page) const;
    // Whether a range, by bytes, has only pages that were not unpinned.
    [[nodiscard]] bool all_pinned(std::uint32_t offset, std::uint32_t length) const;

    // PROT_* bits that it may still have, and what was seen
    [[nodiscard]] unsigned mask() const { return mask_.load(); }
    void saw_mask(unsigned mask) { mask_.fetch_and(mask); }

private:
    struct Pages {
        std::uint64_t first = 0;
        std::uint64_t end = 0;
    };
    [[nodiscard]] Pages pages(std::uint32_t offset, std::uint32_t length) const;

    std::atomic<std::uint64_t> largest_;
    std::atomic<unsigned> mask_;
    std::array<std::atomic<bool>, most_pages> written_;
    std::array<std::atomic<bool>, most_pages> unpinned_;
};

// Lives in memory that all processes share.
class World {
public:
    static World& make();

    void reset();
    // a region that is opened now; null if a program opens too many
    Region* add();
    [[nodiscard]] std::uint64_t bytes_of(const Region* region, std::uint64_t page) const;
    [[nodiscard]] std::uint32_t number_of(const Region* region) const;
    Region* region(std::uint32_t number);

    // Waits for so many actors, but not for one that was killed.
    void start_together(int actors);

    void complain(const std::string& text);
    [[nodiscard]] std::string complaint() const;

private:
    static constexpr std::size_t most = 80;
    std::atomic<std::uint32_t> count_;
    std::atomic<int> waiting_;
    std::atomic<int> complaints_;
    std::array<char, 512> complaint_;
    std::array<Region, most> regions_;
};

} // namespace kfuzz

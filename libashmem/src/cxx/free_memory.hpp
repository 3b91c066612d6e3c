// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Memory of this process that the kernel drops by MADV_FREE.
 *
 * The kernel may drop a page between MADV_FREE and the next write to it, and says
 * nothing: the page reads as zero then. So the first word of each page is put aside and
 * a marker, which is not zero, written in its place before. To keep the page again, one
 * atomic exchange puts the word back: the write makes the kernel keep the page, and what was
 * there before, the marker or zero, tells whether the page was lost. There is no moment
 * in between, since the two are one instruction.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "purgeable_memory.hpp"

namespace ashmem {

class FreeMemory final : public PurgeableMemory {
public:
    [[nodiscard]] static std::unique_ptr<PurgeableMemory> create(std::size_t size,
                                                                 std::error_code& ec);
    ~FreeMemory() override;

    [[nodiscard]] std::span<std::byte> bytes() noexcept override { return {data_, size_}; }
    [[nodiscard]] const Region* region() const noexcept override { return nullptr; }
    [[nodiscard]] bool keep(std::size_t offset, std::size_t length,
                            std::error_code& ec) noexcept override;
    void give_up(std::size_t offset, std::size_t length) noexcept override;
    void discard(std::size_t offset, std::size_t length) noexcept override;
    /** Never: after fork() each has its own. What was dropped of pages still shared is
     *  dropped for both, and each finds out. */
    [[nodiscard]] bool inherited() const noexcept override { return false; }

private:
    using Word = std::uintptr_t;

    explicit FreeMemory(std::size_t size);

    [[nodiscard]] Word& word(std::size_t page) const noexcept {
        return *reinterpret_cast<Word*>(data_ + page * page_size_);
    }

    std::size_t size_, page_size_;
    std::vector<Word> aside_; // the first word of each page that is marked
    std::vector<bool> marked_;
    std::byte* data_ = nullptr;
};

} // namespace ashmem

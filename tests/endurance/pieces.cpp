// SPDX-License-Identifier: Apache-2.0
// Fills pieces with words that hardly compress, so that swap in memory takes memory too.
#include "pieces.hpp"

#include <algorithm>

namespace endurance {
namespace {

const std::size_t pages_of_piece =
    std::max<std::size_t>(Pieces::piece_bytes / test::page_size(), 1);
const std::size_t words_of_page = test::page_size() / sizeof(std::uint64_t);

// A word of every 128 bytes is enough to tell pages apart, and leaves time for more pages.
constexpr std::size_t stride = 16;

std::uint64_t word(std::uint64_t contents, std::size_t page, std::size_t at) {
    return (contents + page * words_of_page + at) * 0x9e3779b97f4a7c15;
}

} // namespace

Pieces::Pieces(std::size_t bytes, std::size_t pinned, std::uint32_t seed, Progress& progress)
    : most_pinned_(pinned), random_(seed), progress_(progress) {
    const std::size_t pages = in_region * pages_of_piece;
    for (std::size_t i = 0; i < bytes / (in_region * piece_bytes); ++i) {
        test::Region region = test::Region::of_pages(pages);
        test::Map map = region.map_pages(pages);
        memory_.push_back({std::move(region), std::move(map)});
        for (std::size_t piece = 0; piece < in_region; ++piece)
            pieces_.push_back({i, piece * pages_of_piece});
    }
    // all begins pinned and empty
    for (Piece& piece : pieces_)
        unpin(piece);
}

volatile std::uint64_t* Pieces::words(const Piece& piece, std::size_t page) const {
    const volatile unsigned char* start = memory_[piece.region].map.data();
    return reinterpret_cast<volatile std::uint64_t*>(
        const_cast<volatile unsigned char*>(start + (piece.first + page) * test::page_size()));
}

void Pieces::fill(Piece& piece) {
    piece.contents = std::uint64_t{random_()} << 32 | 1;
    for (std::size_t page = 0; page < pages_of_piece; ++page) {
        for (std::size_t at = 0; at < words_of_page; at += stride)
            words(piece, page)[at] = word(piece.contents, page, at);
        ++progress_.steps;
    }
}

void Pieces::check(const Piece& piece) {
    for (std::size_t page = 0; page < pages_of_piece; ++page) {
        bool whole = true;
        for (std::size_t at = 0; at < words_of_page; at += stride)
            whole = whole && words(piece, page)[at] == word(piece.contents, page, at);
        progress_.lost += whole ? 0 : 1;
        ++progress_.steps;
    }
}

void Pieces::pin(Piece& piece) {
    const long answer = memory_[piece.region].region.pin_pages(piece.first, pages_of_piece);
    ++progress_.steps;
    must(answer >= 0);
    piece.pinned = true;
    if (answer == ASHMEM_NOT_PURGED && piece.contents != 0) {
        ++progress_.kept;
        check(piece);
    } else {
        progress_.purged += piece.contents != 0 ? 1 : 0;
        fill(piece);
    }
}

void Pieces::unpin(Piece& piece) {
    must(memory_[piece.region].region.unpin_pages(piece.first, pages_of_piece) == 0);
    ++progress_.steps;
    progress_.unpinned += pages_of_piece * test::page_size();
    piece.pinned = false;
}

void Pieces::turn() {
    // some of those used last again, as a cache's user does
    std::size_t chosen = random_() % pieces_.size();
    if (random_() % 2 == 0 && !pinned_.empty()) chosen = (pinned_.front() + 1) % pieces_.size();
    if (!pieces_[chosen].pinned) {
        pin(pieces_[chosen]);
        pinned_.push_back(chosen);
    }
    if (pinned_.size() < most_pinned_) return;
    Piece& oldest = pieces_[pinned_.front()];
    pinned_.pop_front();
    check(oldest);
    unpin(oldest);
}

} // namespace endurance

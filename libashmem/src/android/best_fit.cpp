// SPDX-License-Identifier: Apache-2.0
// The allocator of MemoryDealer: the smallest free chunk that is large enough.
#include "best_fit.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace android::heap {

BestFit::BestFit(std::size_t size) {
    const std::size_t whole = size / alignment * alignment;
    if (whole > 0) chunks_[0] = {whole, false};
}

std::optional<std::size_t> BestFit::allocate(std::size_t size) {
    // As in Android: nothing is taken for it, and nothing has to be given back.
    if (size == 0) return 0;
    if (size > static_cast<std::size_t>(-1) - alignment) return {};
    const std::size_t wanted = (size + alignment - 1) / alignment * alignment;

    const std::lock_guard guard(mutex_);
    auto best = chunks_.end();
    for (auto chunk = chunks_.begin(); chunk != chunks_.end(); ++chunk) {
        const auto& [free, taken] = chunk->second;
        if (taken || free < wanted) continue;
        if (best == chunks_.end() || free < best->second.size) best = chunk;
        if (free == wanted) break;
    }
    if (best == chunks_.end()) return {};
    if (const std::size_t rest = best->second.size - wanted; rest > 0)
        chunks_[best->first + wanted] = {rest, false};
    best->second = {wanted, true};
    return best->first;
}

BestFit::Chunk BestFit::find(std::size_t offset) const {
    const std::lock_guard guard(mutex_);
    return {offset, chunks_.find(offset)->second.size};
}

void BestFit::deallocate(std::size_t offset) {
    const std::lock_guard guard(mutex_);
    const auto chunk = chunks_.find(offset);
    chunk->second.taken = false;
    join_with_next(chunk);
    if (chunk != chunks_.begin() && !std::prev(chunk)->second.taken)
        join_with_next(std::prev(chunk));
}

void BestFit::join_with_next(Chunks::iterator chunk) {
    const auto next = std::next(chunk);
    if (next == chunks_.end() || next->second.taken) return;
    chunk->second.size += next->second.size;
    chunks_.erase(next);
}

std::size_t BestFit::free_space() const {
    const std::lock_guard guard(mutex_);
    std::size_t sum = 0;
    for (const auto& [offset, chunk] : chunks_)
        if (!chunk.taken) sum += chunk.size;
    return sum;
}

std::size_t BestFit::largest_free_block() const {
    const std::lock_guard guard(mutex_);
    std::size_t largest = 0;
    for (const auto& [offset, chunk] : chunks_)
        if (!chunk.taken) largest = std::max(largest, chunk.size);
    return largest;
}

std::string BestFit::describe() const {
    const std::lock_guard guard(mutex_);
    std::ostringstream text;
    for (const auto& [offset, chunk] : chunks_)
        text << "  " << offset << ": " << chunk.size << (chunk.taken ? " taken\n" : " free\n");
    return text.str();
}

} // namespace android::heap

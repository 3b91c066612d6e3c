// SPDX-License-Identifier: Apache-2.0
// What holds in every order of the calls: a page that nobody may have unpinned keeps its
// bytes, and a mask loses bits only.
#include "kfuzz/world.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <system_error>

#include "support/region.hpp"

namespace kfuzz {

void Region::reset() {
    largest_ = 0;
    mask_ = test::rwx;
    std::ranges::fill(written_, false);
    std::ranges::fill(unpinned_, false);
}

void Region::may_have(std::uint64_t size) {
    auto largest = largest_.load();
    while (largest < size && !largest_.compare_exchange_weak(largest, size)) {
    }
}

// The pages that a pin call is about, as far as the size is known; none if it must be EINVAL.
Region::Pages Region::pages(std::uint32_t offset, std::uint32_t length) const {
    const std::uint64_t page = test::page_size();
    if (offset % page != 0 || length % page != 0) return {};
    const std::uint64_t largest = largest_.load();
    const std::uint64_t rounded =
        largest > UINT64_MAX - page ? largest : (largest + page - 1) / page * page;
    if (offset > rounded || length > rounded - offset) return {};
    const std::uint64_t end = length != 0 ? offset + std::uint64_t{length} : rounded;
    return {offset / page, std::min<std::uint64_t>(end / page, most_pages)};
}

// The size may still be set between this and the call.
void Region::may_unpin(std::uint32_t offset, std::uint32_t length) {
    const std::uint64_t page_size = test::page_size();
    if (offset % page_size != 0 || length % page_size != 0) return;
    const auto first = offset / page_size;
    const auto end = length != 0 ? first + length / page_size : most_pages;
    for (auto page = first; page < std::min<std::uint64_t>(end, most_pages); ++page)
        unpinned_[page] = true;
}

void Region::pinned(std::uint32_t offset, std::uint32_t length, bool was_purged) {
    const auto [first, end] = pages(offset, length);
    // Short of memory, a PIN may leave pages unpinned that were purged, for they are lost
    // already. So they count as pinned only after another PIN.
    for (auto page = first; page < end; ++page)
        (was_purged ? written_ : unpinned_)[page] = false;
}

void Region::wrote(std::uint64_t page) {
    if (page < most_pages) written_[page] = true;
}

bool Region::must_hold(std::uint64_t page) const {
    return page < most_pages && written_[page] && !unpinned_[page];
}

bool Region::all_pinned(std::uint32_t offset, std::uint32_t length) const {
    const auto [first, end] = pages(offset, length);
    return end < most_pages &&
           std::none_of(unpinned_.begin() + static_cast<long>(first),
                        unpinned_.begin() + static_cast<long>(std::max(first, end)),
                        [](const auto& one) { return one.load(); });
}

World& World::make() {
    void* memory =
        mmap(nullptr, sizeof(World), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return *new (memory) World();
}

void World::reset() {
    count_ = 0;
    waiting_ = 0;
    complaints_ = 0;
    complaint_.fill('\0');
}

Region* World::add() {
    const auto number = count_.fetch_add(1);
    if (number >= most) return nullptr;
    regions_[number].reset();
    return &regions_[number];
}

std::uint32_t World::number_of(const Region* region) const {
    return static_cast<std::uint32_t>(region - regions_.data());
}

Region* World::region(std::uint32_t number) {
    return number < most ? &regions_[number] : nullptr;
}

std::uint64_t World::bytes_of(const Region* region, std::uint64_t page) const {
    return 0xa5UL << 56 | std::uint64_t{number_of(region)} << 32 | (page + 1);
}

void World::start_together(int actors) {
    const auto deadline = time(nullptr) + 3;
    ++waiting_;
    while (waiting_ < actors && time(nullptr) < deadline)
        sched_yield();
}

void World::complain(const std::string& text) {
    if (complaints_.fetch_add(1) == 0)
        std::memcpy(complaint_.data(), text.data(), std::min(text.size(), complaint_.size() - 1));
}

std::string World::complaint() const {
    return complaint_.data();
}

} // namespace kfuzz

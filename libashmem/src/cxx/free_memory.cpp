// SPDX-License-Identifier: Apache-2.0
// FreeMemory: marks pages, gives them up, and finds out which of them were lost.
#include "free_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "../posix.hpp"
#include "error.hpp"

namespace ashmem {
namespace {

constexpr std::uintptr_t marker = 1;

} // namespace

// What needs memory of its own comes before the map.
FreeMemory::FreeMemory(std::size_t size)
    : size_(size),
      page_size_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
      aside_(in_pages(size) / page_size_),
      marked_(in_pages(size) / page_size_) {}

std::unique_ptr<PurgeableMemory> FreeMemory::create(std::size_t size, std::error_code& ec) {
    ec.clear();
    std::unique_ptr<FreeMemory> memory(new FreeMemory(size));
    void* data =
        ::mmap(nullptr, in_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        ec = to_code(errno);
        return nullptr;
    }
    memory->data_ = static_cast<std::byte*>(data);
    // A huge page would go, and be kept, as a whole; and to collapse pages into one is to
    // write them, which ends the freedom of all. Where there are none this is EINVAL.
    (void)::madvise(data, in_pages(size), MADV_NOHUGEPAGE);
    return memory;
}

FreeMemory::~FreeMemory() {
    if (data_ != nullptr) ::munmap(data_, in_pages(size_));
}

bool FreeMemory::keep(std::size_t offset, std::size_t length, std::error_code& ec) noexcept {
    ec.clear();
    bool whole = true;
    const std::size_t end = (offset + in_pages(length)) / page_size_;
    // All of them, whatever was lost: a page that is only read would stay free.
    for (std::size_t page = offset / page_size_; page < end; ++page) {
        if (!marked_[page]) continue;
        if (std::atomic_ref(word(page)).exchange(aside_[page]) != marker) whole = false;
        marked_[page] = false;
    }
    return whole;
}

void FreeMemory::give_up(std::size_t offset, std::size_t length) noexcept {
    const std::size_t end = (offset + in_pages(length)) / page_size_;
    for (std::size_t page = offset / page_size_; page < end; ++page) {
        if (marked_[page]) continue;
        aside_[page] = std::atomic_ref(word(page)).exchange(marker);
        marked_[page] = true;
    }
    // The kernel may refuse, for pages that are locked, and may have come up to these:
    // keep() will look at each marker all the same.
    (void)::madvise(data_ + offset, in_pages(length), MADV_FREE);
}

void FreeMemory::discard(std::size_t offset, std::size_t length) noexcept {
    const std::size_t end = (offset + in_pages(length)) / page_size_;
    for (std::size_t page = offset / page_size_; page < end; ++page)
        marked_[page] = false;
    (void)::madvise(data_ + offset, in_pages(length), MADV_DONTNEED);
}

} // namespace ashmem

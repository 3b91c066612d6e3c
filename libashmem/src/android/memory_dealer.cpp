// SPDX-License-Identifier: Apache-2.0
// MemoryDealer: divides one heap into windows, by best_fit.cpp.
#include <binder/MemoryDealer.h>

#include <binder/MemoryBase.h>
#include <binder/MemoryHeapBase.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iostream>
#include <utility>

#include "best_fit.hpp"

namespace android {
namespace {

/** A window that gives its part of the heap back when it ends. */
class Allocation final : public MemoryBase {
public:
    Allocation(std::shared_ptr<heap::BestFit> allocator, const sp<IMemoryHeap>& heap,
               std::size_t offset, std::size_t size)
        : MemoryBase(heap, static_cast<ssize_t>(offset), size), allocator_(std::move(allocator)) {}

protected:
    ~Allocation() override {
        if (getSize() == 0) return;
        const auto offset = static_cast<std::size_t>(getOffset());
        // First the pages: once the part is free, it is somebody else's.
        give_back_pages(allocator_->find(offset));
        allocator_->deallocate(offset);
    }

private:
    /** Those that lie wholly within the part: neighbours have the others too. */
    void give_back_pages(const heap::BestFit::Chunk& chunk) {
        void* const base = getHeap()->getBase();
        if (base == nullptr) return; // DONT_MAP_LOCALLY
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t first = (chunk.offset + page - 1) / page * page;
        const std::size_t end = (chunk.offset + chunk.size) / page * page;
        if (first < end)
            (void)::madvise(static_cast<std::byte*>(base) + first, end - first, MADV_REMOVE);
    }

    std::shared_ptr<heap::BestFit> allocator_;
};

} // namespace

MemoryDealer::MemoryDealer(std::size_t size, const char* name, std::uint32_t flags)
    : heap_(sp<MemoryHeapBase>::make(size, flags, name)),
      allocator_(std::make_shared<heap::BestFit>(heap_->getHeapID() < 0 ? 0 : heap_->getSize())) {}

MemoryDealer::~MemoryDealer() = default;

sp<IMemory> MemoryDealer::allocate(std::size_t size) {
    const auto offset = allocator_->allocate(size);
    if (!offset) return nullptr;
    try {
        return sp<Allocation>::make(allocator_, heap_, *offset, size);
    } catch (...) {
        // nobody has it who would give it back
        if (size != 0) allocator_->deallocate(*offset);
        throw;
    }
}

void MemoryDealer::dump(const char* what) const {
    std::cerr << what << '\n' << allocator_->describe();
}

std::size_t MemoryDealer::free_space() const {
    return allocator_->free_space();
}

std::size_t MemoryDealer::largest_free_block() const {
    return allocator_->largest_free_block();
}

std::size_t MemoryDealer::getAllocationAlignment() {
    return heap::BestFit::alignment;
}

} // namespace android

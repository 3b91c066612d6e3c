// SPDX-License-Identifier: Apache-2.0
// IMemory and MemoryBase: a window into a heap, checked against the heap's size.
#include <binder/IMemory.h>

#include <binder/MemoryBase.h>
#include <sys/mman.h>

#include <utility>

namespace android {

IMemoryHeap::~IMemoryHeap() = default;
BnMemoryHeap::~BnMemoryHeap() = default;
IMemory::~IMemory() = default;
BnMemory::~BnMemory() = default;

void* IMemory::unsecurePointer() const {
    ssize_t offset = 0;
    std::size_t size = 0;
    const sp<IMemoryHeap> heap = getMemory(&offset, &size);
    void* const base = heap ? heap->getBase() : nullptr;
    if (base == nullptr || base == MAP_FAILED) return nullptr;
    // Offset and size may have come from another process.
    const std::size_t whole = heap->getSize();
    if (offset < 0 || std::cmp_greater(offset, whole) ||
        size > whole - static_cast<std::size_t>(offset))
        return nullptr;
    return static_cast<std::byte*>(base) + offset;
}

std::size_t IMemory::size() const {
    std::size_t size = 0;
    (void)getMemory(nullptr, &size);
    return size;
}

ssize_t IMemory::offset() const {
    ssize_t offset = 0;
    (void)getMemory(&offset);
    return offset;
}

MemoryBase::MemoryBase(const sp<IMemoryHeap>& heap, ssize_t offset, std::size_t size)
    : heap_(heap), offset_(offset), size_(size) {}

MemoryBase::~MemoryBase() = default;

sp<IMemoryHeap> MemoryBase::getMemory(ssize_t* offset, std::size_t* size) const {
    if (offset) *offset = offset_;
    if (size) *size = size_;
    return heap_;
}

} // namespace android

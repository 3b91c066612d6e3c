/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <binder/IMemory.h>

namespace android {

/** A window into a heap, which it keeps alive; as libbinder's. */
class ASHMEM_API MemoryBase : public BnMemory {
public:
    MemoryBase(const sp<IMemoryHeap>& heap, ssize_t offset, std::size_t size);
    ~MemoryBase() override;
    [[nodiscard]] sp<IMemoryHeap> getMemory(ssize_t* offset = nullptr,
                                            std::size_t* size = nullptr) const override;

protected:
    [[nodiscard]] std::size_t getSize() const { return size_; }
    [[nodiscard]] ssize_t getOffset() const { return offset_; }
    [[nodiscard]] const sp<IMemoryHeap>& getHeap() const { return heap_; }

private:
    sp<IMemoryHeap> heap_;
    ssize_t offset_;
    std::size_t size_;
};

} // namespace android

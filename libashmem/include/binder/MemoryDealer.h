/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <binder/IMemory.h>

#include <memory>

namespace android {

namespace heap {
class BestFit;
}

/**
 * Divides a heap among clients; as libbinder's.
 *
 * The smallest hole that is large enough is taken, its first one if there are
 * several; holes that touch become one. Windows begin at multiples of
 * getAllocationAlignment() and are as large as was asked for. A window that ends
 * gives its whole pages back to the system. All members may be called by several
 * threads. Windows may outlive the dealer.
 */
class ASHMEM_API MemoryDealer : public RefBase {
public:
    explicit MemoryDealer(std::size_t size, const char* name = nullptr, std::uint32_t flags = 0);

    /** A window of so many bytes; null if no hole is large enough. 0 bytes lie at offset 0. */
    virtual sp<IMemory> allocate(std::size_t size);
    /** What is taken, a line a window, to stderr. */
    virtual void dump(const char* what) const;
    [[nodiscard]] sp<IMemoryHeap> getMemoryHeap() const { return heap_; }

    /** Bytes that are not taken, not all in one piece. */
    [[nodiscard]] std::size_t free_space() const;
    /** The largest window that allocate() would give now. */
    [[nodiscard]] std::size_t largest_free_block() const;

    /** Bytes: 32. */
    static std::size_t getAllocationAlignment();

protected:
    ~MemoryDealer() override;

private:
    sp<IMemoryHeap> heap_;
    std::shared_ptr<heap::BestFit> allocator_;
};

} // namespace android

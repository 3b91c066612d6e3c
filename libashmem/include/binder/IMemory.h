/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Android's shared heaps and windows into them, as interfaces.
 */
#pragma once

#include <sys/mman.h> // MAP_FAILED, as in Android's
#include <sys/types.h>
#include <utils/Errors.h>
#include <utils/RefBase.h>

#include <cstddef>
#include <cstdint>

namespace android {

/** Shared memory that a process has as one piece. Sizes and offsets are in bytes. */
class ASHMEM_API IMemoryHeap : public virtual RefBase {
public:
    enum : std::uint32_t {
        READ_ONLY = 0x00000001, ///< receivers may not write
    };

    /** The descriptor, which stays the heap's; -1 if there is none. */
    [[nodiscard]] virtual int getHeapID() const = 0;
    /** The memory; MAP_FAILED if it could not be mapped, null if it was not meant to be. */
    [[nodiscard]] virtual void* getBase() const = 0;
    [[nodiscard]] virtual std::size_t getSize() const = 0;
    [[nodiscard]] virtual std::uint32_t getFlags() const = 0;
    /** Where in the descriptor the heap begins. */
    [[nodiscard]] virtual off_t getOffset() const = 0;

    [[nodiscard]] int heapID() const { return getHeapID(); }
    [[nodiscard]] void* base() const { return getBase(); }
    [[nodiscard]] std::size_t virtualSize() const { return getSize(); }

protected:
    ~IMemoryHeap() override;
};

/** The side of a heap that owns it. */
class ASHMEM_API BnMemoryHeap : public IMemoryHeap {
protected:
    ~BnMemoryHeap() override;
};

/** A window into a heap. */
class ASHMEM_API IMemory : public virtual RefBase {
public:
    /** The heap, and where in it the window lies; null and zeros if there is none. */
    [[nodiscard]] virtual sp<IMemoryHeap> getMemory(ssize_t* offset = nullptr,
                                                    std::size_t* size = nullptr) const = 0;

    /**
     * The window's memory, or null if it does not lie within its heap or that is
     * not mapped. Not secure: whoever shares it may change it between two looks, so
     * copy what you check.
     */
    [[nodiscard]] void* unsecurePointer() const;
    /** The same, by the name that older sources know. */
    [[nodiscard]] void* pointer() const { return unsecurePointer(); }
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] ssize_t offset() const;

protected:
    ~IMemory() override;
};

/** The side of a window that owns it. */
class ASHMEM_API BnMemory : public IMemory {
protected:
    ~BnMemory() override;
};

} // namespace android

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <binder/IMemory.h>

#include <atomic>

namespace android {

/**
 * A heap over a region, a device or a descriptor; as libbinder's.
 *
 * Constructors report nothing: a heap that failed has the descriptor -1 and the
 * base MAP_FAILED, and errno says why right after the constructor. Accessors may
 * be called by several threads, dispose() too.
 */
class ASHMEM_API MemoryHeapBase : public BnMemoryHeap {
public:
    // NOLINTNEXTLINE(*-anonymous-enum*): libbinder's names and values
    enum : std::uint32_t {
        READ_ONLY = IMemoryHeap::READ_ONLY,
        DONT_MAP_LOCALLY = 0x00000100,
        NO_CACHING = 0x00000200,
        FORCE_MEMFD = 0x00000400,
        MEMFD_ALLOW_SEALING = FORCE_MEMFD | 0x00000800,
    };

    /**
     * A new region, its size rounded up to pages. With READ_ONLY the owner may still
     * write, for the heap is mapped first; receivers may not. With FORCE_MEMFD it is a
     * memfd whatever the backend, sealed against any change of size, and against
     * further seals unless MEMFD_ALLOW_SEALING.
     */
    explicit MemoryHeapBase(std::size_t size, std::uint32_t flags = 0, const char* name = nullptr);
    /** A device or file; size 0 means all of it. FORCE_MEMFD is EINVAL here. */
    explicit MemoryHeapBase(const char* device, std::size_t size = 0, std::uint32_t flags = 0);
    /** A duplicate of a descriptor; size 0 means all of it; offset: a multiple of the page. */
    MemoryHeapBase(int fd, std::size_t size, std::uint32_t flags = 0, off_t offset = 0);
    ~MemoryHeapBase() override;

    [[nodiscard]] int getHeapID() const override;
    [[nodiscard]] void* getBase() const override;
    [[nodiscard]] std::size_t getSize() const override;
    [[nodiscard]] std::uint32_t getFlags() const override;
    [[nodiscard]] off_t getOffset() const override;
    /** The path of a heap over a device, else null. */
    [[nodiscard]] const char* getDevice() const;
    /** Unmaps and closes; once more does nothing. */
    void dispose();

protected:
    /** No heap yet: init() makes it one. */
    MemoryHeapBase() = default;
    /** Takes over a descriptor and its map. INVALID_OPERATION if there is a heap already. */
    status_t init(int fd, void* base, std::size_t size, std::uint32_t flags = 0,
                  const char* device = nullptr);

private:
    void adopt(int fd, std::size_t size, std::uint32_t flags, off_t offset);
    bool map(int fd, int rights);

    std::atomic<int> fd_{-1};
    std::atomic<void*> base_{nullptr};
    std::size_t size_ = 0;
    std::uint32_t flags_ = 0;
    off_t offset_ = 0;
    const char* device_ = nullptr;
    bool mapped_ = false;
};

} // namespace android

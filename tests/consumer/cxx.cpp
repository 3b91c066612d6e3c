// SPDX-License-Identifier: Apache-2.0
// A C++ program as its author would write it.
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>

#include <ashmem/ashmem.hpp>

// A heap of one's own, which needs the tables of libbinder's classes.
class Heap : public android::MemoryHeapBase {
public:
    using MemoryHeapBase::MemoryHeapBase;
    [[nodiscard]] std::uint32_t getFlags() const override { return 7; }
};

int main() {
    const android::sp<android::IMemoryHeap> heap = android::sp<Heap>::make(std::size_t{4096});
    const auto dealer = android::sp<android::MemoryDealer>::make(4096);
    if (heap->getFlags() != 7 || dealer->allocate(100)->size() != 100) return 2;

    auto [ours, theirs] = ashmem::Channel::pair();
    std::vector<ashmem::Region> regions;
    regions.push_back(ashmem::Region::create("consumer", 4096));
    ours.send({}, regions);
    auto message = theirs.receive();
    ashmem::MemoryFile file(message.regions.at(0).release());
    return file.length() == 4096 ? 0 : 1;
}

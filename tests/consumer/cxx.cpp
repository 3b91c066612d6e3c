// SPDX-License-Identifier: Apache-2.0
// A C++ program as its author would write it, with each public class.
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>
#include <sys/socket.h>

#include <ashmem/ashmem.hpp>
#include <cstring>
#include <memory_resource>
#include <string>
#include <vector>

// A heap of one's own, which needs the tables of libbinder's classes.
class Heap : public android::MemoryHeapBase {
public:
    using MemoryHeapBase::MemoryHeapBase;
    [[nodiscard]] std::uint32_t getFlags() const override { return 7; }
};

static bool heaps() {
    const android::sp<android::IMemoryHeap> heap = android::sp<Heap>::make(std::size_t{4096});
    const auto dealer = android::sp<android::MemoryDealer>::make(4096);
    const auto base = android::sp<android::MemoryBase>::make(heap, 0, 100);
    return heap->getFlags() == 7 && dealer->allocate(100)->size() == 100 && base->size() == 100;
}

static bool regions() {
    auto region = ashmem::Region::create("consumer", 8192);
    ashmem::Mapping mapping = region.map(ashmem::Prot::read_write);
    const std::uint32_t written = 42;
    std::memcpy(mapping.bytes().data(), &written, sizeof(written));
    region.unpin();
    const ashmem::PinGuard guard(region);
    ashmem::PurgeableBuffer buffer(
        "cache", 4096, [](std::span<std::byte> bytes) { bytes.front() = std::byte{1}; });
    return ashmem::snapshot<std::uint32_t>(mapping.bytes()) == written &&
           buffer.lock().bytes().front() == std::byte{1};
}

static bool caches() {
    ashmem::PurgeableCache cache("cache", 8192,
                                 [](std::string_view key, std::span<std::byte> bytes) {
                                     bytes.front() = static_cast<std::byte>(key.front());
                                 });
    return cache.get("key", 100).bytes().front() == std::byte{'k'} &&
           cache.get("key", 100).source() == ashmem::PurgeableCache::Source::found &&
           cache.statistics().hits == 1;
}

static bool containers() {
    const auto region = ashmem::Region::create("containers", 8192);
    const auto resource = ashmem::RegionResource::create(region);
    std::pmr::polymorphic_allocator<> allocator(resource.get());
    auto* const numbers = allocator.new_object<std::pmr::vector<int>>();
    numbers->assign({1, 2, 3});
    resource->publish(*numbers);
    return resource->find<std::pmr::vector<int>>().back() == 3 &&
           resource->offset_of(numbers->data()) != 0;
}

static bool locks() {
    auto region = ashmem::Region::create("lock", 4096);
    ashmem::Mapping mapping = region.map(ashmem::Prot::read_write);
    auto& mutex = ashmem::SharedMutex::create_in(mapping.bytes());
    return mutex.lock().owns_lock();
}

static bool of_android() {
    auto memory = ashmem::SharedMemory::create("memory", 4096);
    ashmem::MemoryFile file("file", 4096);
    ashmem::MemoryFileOutputStream(file) << "text" << std::flush;
    std::string text;
    ashmem::MemoryFileInputStream in(file);
    in.width(4);
    in >> text;
    return memory.mapReadOnly().size() == 4096 && text == "text";
}

static bool sent() {
    auto [ours, theirs] = ashmem::Channel::pair();
    std::vector<ashmem::Region> sending;
    sending.push_back(ashmem::Region::create("sent", 4096));
    ours.send({}, sending);
    auto message = theirs.receive();
    ashmem::send_fd(ours.fd(), message.regions.at(0).fd());
    const ashmem::unique_fd fd = ashmem::receive_fd(theirs.fd());
    return ashmem::Region::dup(fd.get()).size() == 4096;
}

int main() {
    if (!regions()) return 1;
    if (!heaps()) return 2;
    if (!locks()) return 3;
    if (!of_android()) return 4;
    if (!caches()) return 5;
    if (!containers()) return 6;
    return sent() ? 0 : 7;
}

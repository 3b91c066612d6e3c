// SPDX-License-Identifier: Apache-2.0
// Each system call of Android's classes fails once: files, shared memory, heaps, dealers. What
// was there before it works afterwards.
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cerrno>

#include "support/call_fault.hpp"
#include "support/region.hpp"

using android::MemoryDealer;
using android::MemoryHeapBase;
using android::sp;
using ashmem::Mapping;
using ashmem::MemoryFile;
using ashmem::Prot;
using ashmem::Region;
using ashmem::SharedMemory;
using test::CallFault;
using test::need;
using test::page_size;

namespace {

Region made() {
    return Region::create("swept", 2 * page_size());
}

// Writes by one call and reads by another.
void need_kept(MemoryFile& file) {
    std::array<std::byte, 5> in{}, out{};
    in.fill(std::byte{7});
    file.writeBytes(in, 0, 3, 5);
    need(file.readBytes(out, 3, 0, 5) == 5 && in == out, "the bytes are others");
}

void need_heap(const MemoryHeapBase& heap) {
    need(heap.getHeapID() >= 0 && heap.getSize() == 2 * page_size(), "a heap that is none");
    static_cast<volatile std::byte*>(heap.getBase())[page_size()] = std::byte{1};
}

// A heap by any constructor, whole or none.
template <class... Arguments>
void attempt_heap(CallFault& fault, Arguments... arguments) {
    sp<MemoryHeapBase> heap;
    const int error = fault.in([&] {
        heap = sp<MemoryHeapBase>::make(arguments...);
        return heap->getHeapID() < 0 ? errno : 0;
    });
    if (error == 0)
        need_heap(*heap);
    else
        need(heap == nullptr || heap->getBase() == MAP_FAILED, "memory of no heap");
}

} // namespace

TEST_CASE("a MemoryFile is whole or not there, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({
        {"making one",
         [](CallFault& fault) {
             std::optional<MemoryFile> file;
             fault.in([&] {
                 file.emplace("swept", 100);
                 return 0;
             });
             if (file) need_kept(*file);
         }},
        {"making one without exceptions",
         [](CallFault& fault) {
             std::optional<MemoryFile> file;
             const int error = fault.in([&] {
                 std::error_code ec;
                 file.emplace("swept", 100, ec);
                 return ec;
             });
             need(!file || (file->getFd() >= 0) == (error == 0), "whether there is one");
             if (error == 0) need_kept(*file);
         }},
        {"of a descriptor",
         [](CallFault& fault) {
             const Region region = made();
             auto fd = Region::dup(region.fd()).release();
             std::optional<MemoryFile> file;
             // what does not tell its size is taken for something else
             const int error = fault.in(
                 [&] {
                     std::error_code ec;
                     file.emplace(std::move(fd), ec);
                     return ec;
                 },
                 {EINVAL});
             need(!file || (file->getFd() >= 0) == (error == 0), "whether there is one");
             if (error == 0) need_kept(*file);
         }},
        {"allowPurging",
         [](CallFault& fault) {
             MemoryFile file("swept", 100);
             const int error = fault.in([&] {
                 std::error_code ec;
                 file.allowPurging(true, ec);
                 return ec;
             });
             need(file.isPurgingAllowed() == (error == 0), "whether it may be purged");
             need_kept(file);
             file.allowPurging(false);
             need_kept(file);
         }},
        {"reading and writing",
         [](CallFault& fault) {
             MemoryFile file("swept", 100);
             file.allowPurging(true);
             fault.in([&] {
                 need_kept(file);
                 return 0;
             });
             need_kept(file);
             need(file.isPurgingAllowed(), "it may not be purged any more");
         }},
        {"forbidding purging",
         [](CallFault& fault) {
             MemoryFile file("swept", 100);
             file.allowPurging(true);
             const int error = fault.in([&] {
                 std::error_code ec;
                 file.allowPurging(false, ec);
                 return ec;
             });
             need(file.isPurgingAllowed() == (error != 0), "whether it may be purged");
             need_kept(file);
         }},
    });
}

TEST_CASE("a SharedMemory is whole or not there, whichever system call fails",
          "[library][anywhere]") {
    const int size = static_cast<int>(2 * page_size());
    test::sweep_calls({
        {"create",
         [=](CallFault& fault) {
             SharedMemory memory;
             const int error = fault.in([&] {
                 memory = SharedMemory::create("swept", size);
                 return 0;
             });
             need((memory.getFd() >= 0) == (error == 0), "whether there is one");
             if (error == 0) need(memory.mapReadWrite().ok(), "it is not mapped");
         }},
        {"fromFileDescriptor",
         [=](CallFault& fault) {
             auto fd = made().release();
             SharedMemory memory;
             const int error = fault.in(
                 [&] {
                     memory = SharedMemory::fromFileDescriptor(std::move(fd));
                     return 0;
                 },
                 {EINVAL});
             need((memory.getFd() >= 0) == (error == 0), "whether there is one");
             if (error == 0) need(memory.getSize() == size, "its size");
         }},
        {"map",
         [](CallFault& fault) {
             const auto memory = SharedMemory::create("swept", 100);
             Mapping map;
             const int error = fault.in([&] {
                 map = memory.mapReadOnly();
                 return 0;
             });
             need(map.size() == (error == 0 ? 100 : 0), "its size");
         }},
        {"getFdDup",
         [](CallFault& fault) {
             const auto memory = SharedMemory::create("swept", 100);
             ashmem::unique_fd fd;
             const int error = fault.in([&] {
                 fd = memory.getFdDup();
                 return 0;
             });
             need(fd.ok() == (error == 0), "whether there is one");
         }},
        {"setProtect",
         [](CallFault& fault) {
             auto memory = SharedMemory::create("swept", 100);
             bool narrowed = false;
             fault.in([&] {
                 narrowed = memory.setProtect(Prot::read);
                 return 0;
             });
             std::error_code ec;
             need(memory.map(Prot::write, 0, 100, ec).ok() == !narrowed, "whether it is narrowed");
         }},
    });
}

TEST_CASE("a heap is whole or not there, whichever system call fails", "[library][anywhere]") {
    const std::size_t size = 2 * page_size();
    test::sweep_calls({
        {"making one", [=](CallFault& fault) { attempt_heap(fault, size, 0U, "swept"); }},
        {"making one to be read",
         [=](CallFault& fault) {
             attempt_heap(fault, size, std::uint32_t{MemoryHeapBase::READ_ONLY}, "swept");
         }},
        {"making one of a memfd",
         [=](CallFault& fault) {
             attempt_heap(fault, size, std::uint32_t{MemoryHeapBase::FORCE_MEMFD}, "swept");
         }},
        {"of a descriptor",
         [](CallFault& fault) {
             const Region region = made();
             // a size that is asked for in vain is 0, of which there is no map
             const int fd = region.fd();
             sp<MemoryHeapBase> heap;
             const int error = fault.in(
                 [&] {
                     heap = sp<MemoryHeapBase>::make(fd, std::size_t{0});
                     return heap->getHeapID() < 0 ? errno : 0;
                 },
                 {EINVAL});
             if (error == 0) need_heap(*heap);
             need(region.size() == 2 * page_size(), "the region");
         }},
        {"of a device",
         [=](CallFault& fault) {
             sp<MemoryHeapBase> heap;
             fault.in([&] {
                 heap = sp<MemoryHeapBase>::make("/dev/zero", size);
                 return heap->getHeapID() < 0 ? errno : 0;
             });
             if (heap != nullptr && heap->getHeapID() >= 0) need_heap(*heap);
         }},
    });
}

TEST_CASE("a dealer gives windows or none, whichever system call fails", "[library][anywhere]") {
    const std::size_t size = 2 * page_size();
    test::sweep_calls({
        {"MemoryDealer",
         [=](CallFault& fault) {
             sp<MemoryDealer> dealer;
             fault.in([&] {
                 dealer = sp<MemoryDealer>::make(size, "swept");
                 return dealer->getMemoryHeap()->getHeapID() < 0 ? errno : 0;
             });
             if (dealer == nullptr) return;
             const bool made = dealer->getMemoryHeap()->getHeapID() >= 0;
             need((dealer->allocate(size) != nullptr) == made, "a window into nothing");
         }},
        {"giving back a window",
         [=](CallFault& fault) {
             const auto dealer = sp<MemoryDealer>::make(size, "swept");
             auto window = dealer->allocate(size);
             fault.in([&] {
                 window.clear();
                 return 0;
             });
             need(dealer->free_space() == size, "its room is not free");
         }},
    });
}

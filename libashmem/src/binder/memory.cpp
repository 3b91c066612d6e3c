// SPDX-License-Identifier: Apache-2.0
// Heaps and windows: objects that answer HEAP_ID and GET_MEMORY, and proxies that ask.
#include <ashmem/binder/memory.hpp>

#include <binder/MemoryBase.h>
#include <binder/MemoryHeapBase.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ashmem/region.hpp>
#include <map>
#include <mutex>
#include <utility>

#include "../cxx/error.hpp"
#include "memory_wire.hpp"
#include "protocol.hpp"
#include "sweep.hpp"

namespace ashmem::binder {

/** Where a Remote keeps the map of its heap. */
struct Attachment {
    static std::weak_ptr<void>& of(Remote& remote) noexcept { return remote.attachment_; }
};

namespace {

using android::IMemory;
using android::IMemoryHeap;
using android::MemoryHeapBase;
using android::sp;

constexpr char16_t heap_descriptor[] = u"android.utils.IMemoryHeap";
constexpr char16_t memory_descriptor[] = u"android.utils.IMemory";

constexpr std::uint32_t heap_id = protocol::first_call, get_memory = protocol::first_call;

class HeapObject final : public Object {
public:
    explicit HeapObject(sp<IMemoryHeap> heap) : heap_(std::move(heap)) {}

    [[nodiscard]] std::u16string interface() const override { return heap_descriptor; }
    std::int32_t answer(Call& call, Parcel& out) override {
        if (call.code != heap_id) return -EBADMSG;
        if (!call.in.token(heap_descriptor)) return -EPERM;
        if (heap_->getHeapID() < 0) return android::NO_INIT;
        out.fd(heap_->getHeapID());
        out.u64(heap_->getSize());
        out.i64(heap_->getOffset());
        out.u32(heap_->getFlags());
        return 0;
    }
    [[nodiscard]] const sp<IMemoryHeap>& heap() const { return heap_; }

private:
    sp<IMemoryHeap> heap_;
};

/** The objects of heaps that others may call, by their heaps. */
struct Published {
    std::mutex lock;
    std::map<IMemoryHeap*, std::weak_ptr<HeapObject>> objects;
    Sweep sweep;
};

class MemoryObject final : public Object {
public:
    explicit MemoryObject(sp<IMemory> memory) : memory_(std::move(memory)) {
        if (const auto heap = memory_->getMemory()) heap_ = publish(heap);
    }

    [[nodiscard]] std::u16string interface() const override { return memory_descriptor; }
    std::int32_t answer(Call& call, Parcel& out) override {
        if (call.code != get_memory) return -EBADMSG;
        if (!call.in.token(memory_descriptor)) return -EPERM;
        out.object({heap_, nullptr});
        out.i64(memory_->offset());
        out.u64(memory_->size());
        return 0;
    }
    [[nodiscard]] const sp<IMemory>& memory() const { return memory_; }

private:
    sp<IMemory> memory_;
    std::shared_ptr<Object> heap_;
};

/** A heap's map and descriptor here; shared by all who ask the same object for it. */
struct Mapped {
    Mapped() = default;
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    ~Mapped() {
        if (base != MAP_FAILED) ::munmap(base, heap.size);
    }
    Region region;
    wire::Heap heap;
    void* base = MAP_FAILED;
};

/** A heap of another process. */
class HeapProxy final : public IMemoryHeap {
public:
    HeapProxy(std::shared_ptr<Remote> remote, std::shared_ptr<Mapped> mapped)
        : remote_(std::move(remote)), mapped_(std::move(mapped)) {}

    [[nodiscard]] int getHeapID() const override { return mapped_->region.fd(); }
    [[nodiscard]] void* getBase() const override { return mapped_->base; }
    [[nodiscard]] std::size_t getSize() const override { return mapped_->heap.size; }
    [[nodiscard]] std::uint32_t getFlags() const override { return mapped_->heap.flags; }
    [[nodiscard]] off_t getOffset() const override {
        return static_cast<off_t>(mapped_->heap.offset);
    }

private:
    std::shared_ptr<Remote> remote_; // the heap is theirs as long as it is ours
    std::shared_ptr<Mapped> mapped_;
};

/** A window of another process. */
class MemoryProxy final : public android::MemoryBase {
public:
    MemoryProxy(std::shared_ptr<Remote> remote, const sp<IMemoryHeap>& heap, wire::Window window)
        : MemoryBase(heap, static_cast<ssize_t>(window.offset), window.size),
          remote_(std::move(remote)) {}

private:
    std::shared_ptr<Remote> remote_;
};

std::shared_ptr<Mapped> map_heap(Remote& remote, std::error_code& ec) {
    Parcel in;
    in.token(heap_descriptor);
    Message answer = remote.call(heap_id, in, ec);
    if (ec) return {};
    auto mapped = std::make_shared<Mapped>();
    unique_fd fd = answer.fd();
    if (!fd.ok()) {
        ec = to_code(EBADMSG);
        return {};
    }
    // what is no region could shrink under the map
    mapped->region = Region::adopt(std::move(fd), ec);
    const std::size_t size = ec ? 0 : mapped->region.size(ec);
    if (ec) {
        ec = to_code(ENOTTY);
        return {};
    }
    const auto heap = wire::heap(answer, size, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    if (!heap) {
        ec = to_code(EBADMSG);
        return {};
    }
    mapped->heap = *heap;
    const bool read_only = (heap->flags & MemoryHeapBase::READ_ONLY) != 0;
    mapped->base = ::mmap(nullptr, heap->size, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
                          MAP_SHARED, mapped->region.fd(), static_cast<off_t>(heap->offset));
    if (mapped->base == MAP_FAILED) ec = to_code(errno);
    return mapped;
}

/** The map that a remote heap has here; if it has none, the one given. */
std::shared_ptr<Mapped> attached(Remote& remote, const std::shared_ptr<Mapped>& mapped) {
    static std::mutex lock; // which has no destructor
    const std::scoped_lock guard(lock);
    auto& place = Attachment::of(remote);
    if (auto there = std::static_pointer_cast<Mapped>(place.lock())) return there;
    place = mapped;
    return mapped;
}

} // namespace

std::shared_ptr<Object> publish(const sp<IMemoryHeap>& heap) {
    // never destroyed: other threads may publish while the program ends
    static auto& known = *new Published;
    const std::scoped_lock guard(known.lock);
    if (const auto found = known.objects.find(heap.get()); found != known.objects.end())
        if (auto object = found->second.lock()) return object;
    known.sweep(known.objects, [](const auto& one) { return one.second.expired(); });
    auto object = std::make_shared<HeapObject>(heap);
    known.objects[heap.get()] = object;
    return object;
}

std::shared_ptr<Object> publish(const sp<IMemory>& memory) {
    return std::make_shared<MemoryObject>(memory);
}

sp<IMemoryHeap> heap_of(const Reference& reference, std::error_code& ec) {
    ec.clear();
    if (const auto ours = std::dynamic_pointer_cast<HeapObject>(reference.local))
        return ours->heap();
    if (!reference.remote) {
        ec = to_code(reference.local ? EBADMSG : EINVAL);
        return {};
    }
    auto mapped = attached(*reference.remote, nullptr);
    if (!mapped) {
        // without any lock: it may never answer
        mapped = map_heap(*reference.remote, ec);
        if (ec) return {};
        mapped = attached(*reference.remote, mapped);
    }
    return sp<HeapProxy>::make(reference.remote, std::move(mapped));
}

sp<IMemoryHeap> heap_of(const Reference& reference) {
    return throwing("binder::heap_of", [&](auto& ec) { return heap_of(reference, ec); });
}

sp<IMemory> memory_of(const Reference& reference, std::error_code& ec) {
    ec.clear();
    if (const auto ours = std::dynamic_pointer_cast<MemoryObject>(reference.local))
        return ours->memory();
    if (!reference.remote) {
        ec = to_code(reference.local ? EBADMSG : EINVAL);
        return {};
    }
    Parcel in;
    in.token(memory_descriptor);
    Message answer = reference.remote->call(get_memory, in, ec);
    if (ec) return {};
    const Reference whole = answer.object(ec);
    if (!ec && !whole) ec = to_code(EBADMSG);
    if (ec) return {};
    const sp<IMemoryHeap> heap = heap_of(whole, ec);
    if (ec) return {};
    const auto window = wire::window(answer, heap->getSize());
    if (!window) {
        ec = to_code(EBADMSG);
        return {};
    }
    return sp<MemoryProxy>::make(reference.remote, heap, *window);
}

sp<IMemory> memory_of(const Reference& reference) {
    return throwing("binder::memory_of", [&](auto& ec) { return memory_of(reference, ec); });
}

} // namespace ashmem::binder

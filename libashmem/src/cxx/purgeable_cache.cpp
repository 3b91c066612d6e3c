// SPDX-License-Identifier: Apache-2.0
// PurgeableCache: entries in the order of their use, each a run of pages of one of few
// memories, which is kept while there is any Handle.
#include <ashmem/purgeable_cache.hpp>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "../posix.hpp"
#include "error.hpp"
#include "purgeable_memory.hpp"
#include "runs.hpp"

namespace ashmem {
namespace {

// A memory holds many entries; a large entry has one of its own.
constexpr std::size_t of_many = std::size_t{64} << 20;
constexpr std::size_t large = of_many / 4;

struct Memory {
    explicit Memory(std::unique_ptr<PurgeableMemory> its_bytes, std::size_t size)
        : bytes(std::move(its_bytes)), runs(size) {}
    std::unique_ptr<PurgeableMemory> bytes;
    Runs runs;
};

} // namespace

// Guarded by the cache's mutex, except the bytes.
struct PurgeableCache::Entry {
    std::string key;
    std::size_t size;
    Memory* memory;
    Runs::Run run;
    std::size_t holders = 0;
    bool built = false;
    std::thread::id maker = {}; // while it is made
    std::list<Entry>::iterator self = {};

    [[nodiscard]] bool in_the_making() const noexcept { return maker != std::thread::id(); }
    [[nodiscard]] std::span<std::byte> bytes() const noexcept {
        return memory->bytes->bytes().subspan(run.offset(), size);
    }
};

struct PurgeableCache::Impl {
    using Guard = std::unique_lock<std::mutex>;

    Impl(std::string_view its_name, std::size_t its_capacity, Rebuild function)
        : name(its_name), capacity(in_pages(its_capacity)), rebuild(std::move(function)) {}

    /** get(), with the entry held. */
    Entry* get(std::string_view key, std::size_t size, Source& source, std::error_code& ec);
    void release(Entry& entry) noexcept;

    /** Whether an entry of this size can be there at all. */
    [[nodiscard]] bool fits(std::size_t size, std::error_code& ec) const noexcept;
    /** In a child of fork(): leave the parent's memory to it. */
    void leave_inherited(std::error_code& ec) noexcept;
    /** The entry of this key and size once nobody makes it; null if there is none. */
    Entry* settled(Guard& guard, std::string_view key, std::size_t size, std::error_code& ec);
    /** A new entry, not built. */
    Entry* insert(std::string_view key, std::size_t size, std::error_code& ec);
    /** A run of pages, and the memory that has it; makes room for it. */
    std::optional<Runs::Run> place(std::size_t length, Memory*& memory, std::error_code& ec);
    /** One more memory, unless the capacity is used up. */
    bool grow(std::size_t length, std::error_code& ec);
    bool evict() noexcept;
    /** Count one more holder; the first one has the bytes kept. */
    void hold(Entry& entry, Source& source, std::error_code& ec) noexcept;
    /** Call the function, with the lock released. */
    void make(Guard& guard, Entry& entry);
    /** Forget an entry that nobody holds. */
    void remove(Entry& entry) noexcept;
    void remove_all() noexcept;
    void used(Entry& entry) noexcept { order.splice(order.end(), order, entry.self); }

    const std::string name;
    const std::size_t capacity;
    const Rebuild rebuild;

    std::mutex mutex;
    std::condition_variable made;
    std::list<Memory> memories;
    std::list<Entry> order; // least recently used first
    using Entries = std::unordered_map<std::string_view, Entry*>;
    Entries entries; // keys are the entries' own
    Statistics counts = {};
};

bool PurgeableCache::Impl::fits(std::size_t size, std::error_code& ec) const noexcept {
    ec.clear();
    if (size == 0) ec = to_code(EINVAL);
    if (size > capacity) ec = to_code(EFBIG);
    return !ec;
}

void PurgeableCache::Impl::leave_inherited(std::error_code& ec) noexcept {
    if (memories.empty() || !memories.front().bytes->inherited()) return;
    if (counts.held != 0)
        ec = to_code(EBUSY);
    else
        remove_all();
}

PurgeableCache::Entry* PurgeableCache::Impl::settled(Guard& guard, std::string_view key,
                                                     std::size_t size, std::error_code& ec) {
    for (;;) {
        const auto found = entries.find(key);
        if (found == entries.end()) return nullptr;
        Entry& entry = *found->second;
        if (entry.in_the_making()) {
            if (entry.maker == std::this_thread::get_id()) {
                ec = to_code(EDEADLK);
                return nullptr;
            }
            made.wait(guard);
        } else if (entry.size == size) {
            return &entry;
        } else if (entry.holders != 0) {
            ec = to_code(EBUSY);
            return nullptr;
        } else {
            remove(entry);
            return nullptr;
        }
    }
}

bool PurgeableCache::Impl::grow(std::size_t length, std::error_code& ec) {
    std::size_t room = capacity;
    for (const Memory& memory : memories)
        room -= memory.runs.size();
    if (room < length) return false;
    const std::size_t size = length > large ? length : std::min(room, of_many);
    auto bytes = PurgeableMemory::create(name, size, PurgeableMemory::Use::own, ec);
    if (ec) return false;
    memories.emplace_back(std::move(bytes), size);
    return true;
}

bool PurgeableCache::Impl::evict() noexcept {
    const auto oldest =
        std::ranges::find_if(order, [](const Entry& entry) { return entry.holders == 0; });
    if (oldest == order.end()) return false;
    remove(*oldest);
    ++counts.evicted;
    return true;
}

std::optional<Runs::Run> PurgeableCache::Impl::place(std::size_t length, Memory*& memory,
                                                     std::error_code& ec) {
    for (;;) {
        for (Memory& each : memories)
            if (auto run = each.runs.take(length)) {
                memory = &each;
                return run;
            }
        if (grow(length, ec)) continue;
        if (ec) return std::nullopt;
        if (!evict()) {
            ec = to_code(EBUSY);
            return std::nullopt;
        }
    }
}

PurgeableCache::Entry* PurgeableCache::Impl::insert(std::string_view key, std::size_t size,
                                                    std::error_code& ec) {
    // What can fail for want of memory comes before what must not be lost.
    std::list<Entry> one;
    one.push_back({std::string(key), size, nullptr, {}});
    Entry& entry = one.front();
    entry.self = one.begin();
    Entries one_key;
    one_key.emplace(entry.key, &entry);
    entries.reserve(entries.size() + 1);
    auto run = place(in_pages(size), entry.memory, ec);
    if (!run) return nullptr;
    entry.run = std::move(*run);
    entries.insert(one_key.extract(one_key.begin()));
    order.splice(order.end(), one);
    counts.bytes += size;
    return &entry;
}

void PurgeableCache::Impl::remove(Entry& entry) noexcept {
    Memory* const memory = entry.memory;
    memory->bytes->discard(entry.run.offset(), entry.run.length());
    memory->runs.put(std::move(entry.run));
    if (memory->runs.all_free())
        memories.remove_if([memory](const Memory& each) { return &each == memory; });
    counts.bytes -= entry.size;
    entries.erase(entry.key);
    order.erase(entry.self);
}

void PurgeableCache::Impl::remove_all() noexcept {
    for (auto next = order.begin(); next != order.end();) {
        Entry& entry = *next++;
        if (entry.holders == 0) remove(entry);
    }
}

void PurgeableCache::Impl::hold(Entry& entry, Source& source, std::error_code& ec) noexcept {
    source = Source::found;
    if (entry.holders == 0) {
        const bool whole = entry.memory->bytes->keep(entry.run.offset(), entry.run.length(), ec);
        if (ec) return;
        if (!entry.built) source = Source::built;
        if (entry.built && !whole) {
            source = Source::rebuilt;
            entry.built = false;
            ++counts.lost;
        }
        ++counts.held;
    }
    ++entry.holders;
    used(entry);
}

void PurgeableCache::Impl::make(Guard& guard, Entry& entry) {
    entry.maker = std::this_thread::get_id();
    guard.unlock();
    try {
        rebuild(entry.key, entry.bytes());
    } catch (...) {
        guard.lock();
        entry.holders = 0;
        --counts.held;
        remove(entry);
        made.notify_all();
        throw;
    }
    guard.lock();
    entry.maker = {};
    entry.built = true;
    ++counts.rebuilds;
    made.notify_all();
}

PurgeableCache::Entry* PurgeableCache::Impl::get(std::string_view key, std::size_t size,
                                                 Source& source, std::error_code& ec) {
    if (!fits(size, ec)) return nullptr;
    Guard guard(mutex);
    leave_inherited(ec);
    if (ec) return nullptr;
    Entry* entry = settled(guard, key, size, ec);
    if (entry == nullptr && !ec) entry = insert(key, size, ec);
    if (ec) return nullptr;
    hold(*entry, source, ec);
    if (ec) {
        if (!entry->built) remove(*entry);
        return nullptr;
    }
    if (entry->built)
        ++counts.hits;
    else
        make(guard, *entry);
    return entry;
}

void PurgeableCache::Impl::release(Entry& entry) noexcept {
    const Guard guard(mutex);
    used(entry);
    if (--entry.holders != 0) return;
    --counts.held;
    entry.memory->bytes->give_up(entry.run.offset(), entry.run.length());
}

PurgeableCache::PurgeableCache(std::string_view name, std::size_t capacity, Rebuild rebuild)
    : impl_(std::make_unique<Impl>(name, capacity, std::move(rebuild))) {}

PurgeableCache::PurgeableCache(PurgeableCache&&) noexcept = default;
PurgeableCache& PurgeableCache::operator=(PurgeableCache&&) noexcept = default;
PurgeableCache::~PurgeableCache() = default;

PurgeableCache::Handle PurgeableCache::get(std::string_view key, std::size_t size,
                                           std::error_code& ec) {
    Handle handle;
    Entry* const entry = impl_->get(key, size, handle.source_, ec);
    if (entry == nullptr) return handle;
    handle.cache_ = impl_.get();
    handle.entry_ = entry;
    handle.bytes_ = entry->bytes();
    return handle;
}

PurgeableCache::Handle PurgeableCache::get(std::string_view key, std::size_t size) {
    return throwing("ashmem::PurgeableCache::get", [&](auto& ec) { return get(key, size, ec); });
}

bool PurgeableCache::erase(std::string_view key) noexcept {
    const Impl::Guard guard(impl_->mutex);
    const auto found = impl_->entries.find(key);
    if (found == impl_->entries.end() || found->second->holders != 0) return false;
    impl_->remove(*found->second);
    return true;
}

void PurgeableCache::clear() noexcept {
    const Impl::Guard guard(impl_->mutex);
    impl_->remove_all();
}

std::size_t PurgeableCache::capacity() const noexcept {
    return impl_->capacity;
}

PurgeableCache::Statistics PurgeableCache::statistics() const noexcept {
    const Impl::Guard guard(impl_->mutex);
    Statistics counts = impl_->counts;
    counts.entries = impl_->entries.size();
    counts.regions = impl_->memories.size();
    return counts;
}

PurgeableCache::Handle::~Handle() {
    if (entry_ != nullptr) cache_->release(*entry_);
}

PurgeableCache::Handle::Handle(Handle&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)),
      entry_(std::exchange(other.entry_, nullptr)),
      bytes_(std::exchange(other.bytes_, {})),
      source_(other.source_) {}

PurgeableCache::Handle& PurgeableCache::Handle::operator=(Handle&& other) noexcept {
    Handle taken(std::move(other));
    std::swap(cache_, taken.cache_);
    std::swap(entry_, taken.entry_);
    std::swap(bytes_, taken.bytes_);
    std::swap(source_, taken.source_);
    return *this;
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// PurgeableBuffer: memory that is kept while there is any Lock, and what rebuilds it.
#include <ashmem/purgeable_buffer.hpp>

#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include "error.hpp"
#include "purgeable_memory.hpp"

namespace ashmem {

struct PurgeableBuffer::Impl {
    Impl(std::string_view its_name, std::size_t its_size, Rebuild function, Use its_use)
        : name(its_name),
          size(its_size),
          use(its_use == Use::shared ? PurgeableMemory::Use::shared : PurgeableMemory::Use::own),
          memory(make_memory()),
          rebuild(std::move(function)) {}

    /** Count one more lock; whether the bytes had to be rebuilt for it. */
    bool lock();
    void unlock() noexcept;

    [[nodiscard]] std::unique_ptr<PurgeableMemory> make_memory() const {
        return throwing("ashmem::PurgeableBuffer",
                        [this](auto& ec) { return PurgeableMemory::create(name, size, use, ec); });
    }
    /** In a child of fork(): leave the parent's memory to it. */
    void renew();
    /** Whether the bytes are still what was built. */
    bool keep();

    const std::string name;
    const std::size_t size;
    const PurgeableMemory::Use use;
    std::unique_ptr<PurgeableMemory> memory;
    const Region none;
    Rebuild rebuild;
    std::mutex mutex;
    std::size_t locks = 0;
    bool built = false;
};

void PurgeableBuffer::Impl::renew() {
    if (locks != 0) throw std::system_error(to_code(EBUSY), "ashmem::PurgeableBuffer::lock");
    memory = make_memory();
    built = false;
}

bool PurgeableBuffer::Impl::keep() {
    return throwing("ashmem::PurgeableBuffer::lock",
                    [this](auto& ec) { return memory->keep(0, size, ec); });
}

bool PurgeableBuffer::Impl::lock() {
    const std::lock_guard guard(mutex);
    if (memory->inherited()) renew();
    // Kept for as long as there is any lock; given up again after a failure.
    if (locks == 0 && !keep()) built = false;
    const bool rebuilds = !built;
    if (rebuilds) {
        try {
            rebuild(memory->bytes());
        } catch (...) {
            memory->discard(0, size); // what is not built has no locks
            throw;
        }
        built = true;
    }
    ++locks;
    return rebuilds;
}

void PurgeableBuffer::Impl::unlock() noexcept {
    const std::lock_guard guard(mutex);
    if (--locks == 0) memory->give_up(0, size);
}

PurgeableBuffer::PurgeableBuffer(std::string_view name, std::size_t size, Rebuild rebuild, Use use)
    : impl_(std::make_unique<Impl>(name, size, std::move(rebuild), use)) {}

PurgeableBuffer::PurgeableBuffer(PurgeableBuffer&&) noexcept = default;
PurgeableBuffer& PurgeableBuffer::operator=(PurgeableBuffer&&) noexcept = default;
PurgeableBuffer::~PurgeableBuffer() = default;

PurgeableBuffer::Lock PurgeableBuffer::lock() {
    const bool rebuilt = impl_->lock();
    return {*impl_, rebuilt};
}

std::size_t PurgeableBuffer::size() const noexcept {
    return impl_->size;
}

const Region& PurgeableBuffer::region() const noexcept {
    const Region* const region = impl_->memory->region();
    return region != nullptr ? *region : impl_->none;
}

PurgeableBuffer::Lock::~Lock() {
    if (buffer_ != nullptr) buffer_->unlock();
}

PurgeableBuffer::Lock::Lock(Lock&& other) noexcept
    : buffer_(std::exchange(other.buffer_, nullptr)), rebuilt_(other.rebuilt_) {}

std::span<std::byte> PurgeableBuffer::Lock::bytes() const noexcept {
    return buffer_->memory->bytes();
}

} // namespace ashmem

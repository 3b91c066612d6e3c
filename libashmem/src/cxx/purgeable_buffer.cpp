// SPDX-License-Identifier: Apache-2.0
// PurgeableBuffer: a region that is pinned while there is any Lock, and what rebuilds it.
#include <ashmem/purgeable_buffer.hpp>

#include <ashmem/mapping.hpp>
#include <mutex>
#include <utility>

namespace ashmem {

struct PurgeableBuffer::Impl {
    Impl(std::string_view name, std::size_t size, Rebuild function)
        : region(Region::create(name, size)),
          mapping(region.map(Prot::read_write)),
          rebuild(std::move(function)) {}

    /** Count one more lock; whether the bytes had to be rebuilt for it. */
    bool lock();
    void unlock() noexcept;

    Region region;
    Mapping mapping;
    Rebuild rebuild;
    std::mutex mutex;
    std::size_t locks = 0;
    bool built = false;
};

bool PurgeableBuffer::Impl::lock() {
    const std::lock_guard guard(mutex);
    // Pinned for as long as there is any lock; who fails unpins what it pinned.
    if (locks == 0 && region.pin() == PinResult::was_purged) built = false;
    const bool rebuilds = !built;
    if (rebuilds) {
        try {
            rebuild(mapping.bytes());
        } catch (...) {
            std::error_code ignored;
            if (locks == 0) region.unpin(ignored);
            throw;
        }
        built = true;
    }
    ++locks;
    return rebuilds;
}

void PurgeableBuffer::Impl::unlock() noexcept {
    const std::lock_guard guard(mutex);
    std::error_code ignored;
    if (--locks == 0) region.unpin(ignored);
}

PurgeableBuffer::PurgeableBuffer(std::string_view name, std::size_t size, Rebuild rebuild)
    : impl_(std::make_unique<Impl>(name, size, std::move(rebuild))) {}

PurgeableBuffer::PurgeableBuffer(PurgeableBuffer&&) noexcept = default;
PurgeableBuffer& PurgeableBuffer::operator=(PurgeableBuffer&&) noexcept = default;
PurgeableBuffer::~PurgeableBuffer() = default;

PurgeableBuffer::Lock PurgeableBuffer::lock() {
    const bool rebuilt = impl_->lock();
    return {*impl_, rebuilt};
}

std::size_t PurgeableBuffer::size() const noexcept {
    return impl_->mapping.bytes().size();
}

const Region& PurgeableBuffer::region() const noexcept {
    return impl_->region;
}

PurgeableBuffer::Lock::~Lock() {
    if (buffer_ != nullptr) buffer_->unlock();
}

PurgeableBuffer::Lock::Lock(Lock&& other) noexcept
    : buffer_(std::exchange(other.buffer_, nullptr)), rebuilt_(other.rebuilt_) {}

std::span<std::byte> PurgeableBuffer::Lock::bytes() const noexcept {
    return buffer_->mapping.bytes();
}

} // namespace ashmem

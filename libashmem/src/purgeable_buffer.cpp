// SPDX-License-Identifier: Apache-2.0
#include <ashmem/purgeable_buffer.hpp>
#include <utility>

namespace ashmem {

PurgeableBuffer::PurgeableBuffer(std::string_view name, std::size_t size, Rebuild rebuild)
    : region_(Region::create(name, size)),
      mapping_(region_.map(Prot::read_write)),
      rebuild_(std::move(rebuild)) {}

PurgeableBuffer::~PurgeableBuffer() = default;

PurgeableBuffer::Lock PurgeableBuffer::lock() {
    const std::lock_guard guard(mutex_);
    // Pinned for as long as there is any lock; who fails unpins what it pinned.
    if (locks_ == 0 && region_.pin() == PinResult::was_purged) built_ = false;
    const bool rebuilds = !built_;
    if (rebuilds) {
        try {
            rebuild_(mapping_.bytes());
        } catch (...) {
            std::error_code ignored;
            if (locks_ == 0) region_.unpin(ignored);
            throw;
        }
        built_ = true;
    }
    ++locks_;
    return {*this, rebuilds};
}

void PurgeableBuffer::unlock() noexcept {
    const std::lock_guard guard(mutex_);
    std::error_code ignored;
    if (--locks_ == 0) region_.unpin(ignored);
}

PurgeableBuffer::Lock::~Lock() {
    if (buffer_ != nullptr) buffer_->unlock();
}

PurgeableBuffer::Lock::Lock(Lock&& other) noexcept
    : buffer_(std::exchange(other.buffer_, nullptr)), rebuilt_(other.rebuilt_) {}

std::span<std::byte> PurgeableBuffer::Lock::bytes() const noexcept {
    return buffer_->mapping_.bytes();
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
// MemoryFile: a region and its map behind a lock, pinned while bytes are copied.
#include <ashmem/memory_file.hpp>

#include <algorithm>
#include <ashmem/mapping.hpp>
#include <ashmem/region.hpp>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "../backend/backend.hpp"
#include "../cxx/error.hpp"

namespace ashmem {
namespace {

/** Whether `count` items from `offset` on lie within `size`. */
bool fits(int offset, int count, std::size_t size) noexcept {
    return offset >= 0 && count >= 0 && std::cmp_less_equal(offset, size) &&
           std::cmp_less_equal(count, size - static_cast<std::size_t>(offset));
}

} // namespace

/** An open file; one without a region is closed. */
struct MemoryFile::Impl {
    explicit Impl(int bytes) noexcept : length(std::max(bytes, 0)) {}

    /** Map the region that was just made or adopted, or close it. */
    void map(std::error_code& ec) noexcept;
    /** Run `copy` on the mapped bytes, which it fits, pinned if they may be dropped. */
    template <class Copy>
    static void use(Impl* file, bool fits, std::error_code& ec, Copy copy) noexcept;

    std::mutex mutex;
    Region region;
    Mapping mapping;
    const int length;
    bool purgeable = false;
};

void MemoryFile::Impl::map(std::error_code& ec) noexcept {
    mapping = region.map(Prot::read_write, ec);
    if (ec) region = Region();
}

template <class Copy>
void MemoryFile::Impl::use(Impl* file, bool fits, std::error_code& ec, Copy copy) noexcept {
    if (file == nullptr) {
        ec = to_code(EBADF);
        return;
    }
    const std::lock_guard guard(file->mutex);
    if (!file->region.ok() || !fits) {
        ec = to_code(file->region.ok() ? EINVAL : EBADF);
        return;
    }
    ec.clear();
    if (!file->purgeable) return copy(file->mapping.bytes().data());
    // Pinned for the copy only; bytes that were dropped are not copied at all.
    const PinResult result = file->region.pin(ec);
    if (ec) return;
    if (result == PinResult::was_purged)
        ec = to_code(ENODATA);
    else
        copy(file->mapping.bytes().data());
    std::error_code ignored;
    file->region.unpin(ignored);
}

MemoryFile::MemoryFile(std::string_view name, int length, std::error_code& ec) noexcept
    : impl_(new (std::nothrow) Impl(length)) {
    if (!impl_ || length <= 0) {
        ec = to_code(impl_ ? EINVAL : ENOMEM);
        return;
    }
    impl_->region = Region::create(name, static_cast<std::size_t>(length), ec);
    if (!ec) impl_->map(ec);
}

MemoryFile::MemoryFile(std::string_view name, int length) : impl_(std::make_unique<Impl>(length)) {
    if (length <= 0) throw std::system_error(to_code(EINVAL), "ashmem::MemoryFile");
    impl_->region = Region::create(name, static_cast<std::size_t>(length));
    throwing("ashmem::MemoryFile", [&](auto& ec) { impl_->map(ec); });
}

MemoryFile::MemoryFile(unique_fd fd, std::error_code& ec) noexcept
    : impl_(new (std::nothrow) Impl(getSize(fd.get()))) {
    if (!impl_ || impl_->length <= 0) {
        ec = to_code(impl_ ? EINVAL : ENOMEM);
        return;
    }
    impl_->region = Region::adopt(std::move(fd), ec);
    if (!ec) impl_->map(ec);
}

MemoryFile::MemoryFile(unique_fd fd) : impl_(std::make_unique<Impl>(getSize(fd.get()))) {
    if (impl_->length <= 0) throw std::system_error(to_code(EINVAL), "ashmem::MemoryFile");
    impl_->region = Region::adopt(std::move(fd));
    throwing("ashmem::MemoryFile", [&](auto& ec) { impl_->map(ec); });
}

MemoryFile::MemoryFile(MemoryFile&&) noexcept = default;
MemoryFile& MemoryFile::operator=(MemoryFile&&) noexcept = default;
MemoryFile::~MemoryFile() = default;

int MemoryFile::length() const noexcept {
    return impl_ ? impl_->length : 0;
}

int MemoryFile::readBytes(std::span<std::byte> buffer, int srcOffset, int destOffset, int count,
                          std::error_code& ec) noexcept {
    const bool fit = fits(destOffset, count, buffer.size()) &&
                     fits(srcOffset, count, static_cast<std::size_t>(length()));
    Impl::use(impl_.get(), fit, ec, [&](const std::byte* bytes) {
        if (count > 0)
            std::memcpy(buffer.data() + destOffset, bytes + srcOffset,
                        static_cast<std::size_t>(count));
    });
    return ec ? 0 : count;
}

int MemoryFile::readBytes(std::span<std::byte> buffer, int srcOffset, int destOffset, int count) {
    return throwing("ashmem::MemoryFile::readBytes",
                    [&](auto& ec) { return readBytes(buffer, srcOffset, destOffset, count, ec); });
}

void MemoryFile::writeBytes(std::span<const std::byte> buffer, int srcOffset, int destOffset,
                            int count, std::error_code& ec) noexcept {
    const bool fit = fits(srcOffset, count, buffer.size()) &&
                     fits(destOffset, count, static_cast<std::size_t>(length()));
    Impl::use(impl_.get(), fit, ec, [&](std::byte* bytes) {
        if (count > 0)
            std::memcpy(bytes + destOffset, buffer.data() + srcOffset,
                        static_cast<std::size_t>(count));
    });
}

void MemoryFile::writeBytes(std::span<const std::byte> buffer, int srcOffset, int destOffset,
                            int count) {
    throwing("ashmem::MemoryFile::writeBytes",
             [&](auto& ec) { writeBytes(buffer, srcOffset, destOffset, count, ec); });
}

bool MemoryFile::allowPurging(bool allow, std::error_code& ec) noexcept {
    ec = to_code(EBADF);
    if (!impl_) return false;
    const std::lock_guard guard(impl_->mutex);
    if (!impl_->region.ok()) return false;
    ec.clear();
    const bool before = impl_->purgeable;
    if (allow == before) return before;
    PinResult result = PinResult::not_purged;
    if (allow)
        impl_->region.unpin(ec);
    else
        result = impl_->region.pin(ec);
    if (!ec) impl_->purgeable = allow;
    if (result == PinResult::was_purged) ec = to_code(ENODATA);
    return before;
}

bool MemoryFile::allowPurging(bool allow) {
    return throwing("ashmem::MemoryFile::allowPurging",
                    [&](auto& ec) { return allowPurging(allow, ec); });
}

bool MemoryFile::isPurgingAllowed() const noexcept {
    if (!impl_) return false;
    const std::lock_guard guard(impl_->mutex);
    return impl_->purgeable;
}

int MemoryFile::getFd() const noexcept {
    if (!impl_) return -1;
    const std::lock_guard guard(impl_->mutex);
    return impl_->region.fd();
}

void MemoryFile::close() noexcept {
    if (!impl_) return;
    const std::lock_guard guard(impl_->mutex);
    impl_->mapping = Mapping();
    impl_->region = Region();
}

bool MemoryFile::isMemoryFile(int fd) noexcept {
    return backend::of(fd) != backend::Backend::none;
}

int MemoryFile::getSize(int fd) noexcept {
    const std::int64_t size = isMemoryFile(fd) ? backend::call<&backend::Ops::size>(fd) : -1;
    return std::in_range<int>(size) ? static_cast<int>(size) : -1;
}

} // namespace ashmem

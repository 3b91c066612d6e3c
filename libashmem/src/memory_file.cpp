// SPDX-License-Identifier: Apache-2.0
#include <ashmem/memory_file.hpp>
#include <cstring>
#include <utility>

#include "backend.hpp"
#include "error.hpp"

namespace ashmem {
namespace {

/** Whether `count` items from `offset` on lie within `size`. */
bool fits(int offset, int count, std::size_t size) noexcept {
    return offset >= 0 && count >= 0 && std::cmp_less_equal(offset, size) &&
           std::cmp_less_equal(count, size - static_cast<std::size_t>(offset));
}

} // namespace

MemoryFile::MemoryFile(std::string_view name, int length, std::error_code& ec) noexcept
    : length_(length) {
    if (length <= 0) {
        ec = to_code(EINVAL);
        return;
    }
    region_ = Region::create(name, static_cast<std::size_t>(length), ec);
    if (!ec) map(ec);
}

MemoryFile::MemoryFile(std::string_view name, int length) : length_(length) {
    if (length <= 0) throw std::system_error(to_code(EINVAL), "ashmem::MemoryFile");
    region_ = Region::create(name, static_cast<std::size_t>(length));
    throwing("ashmem::MemoryFile", [&](auto& ec) { map(ec); });
}

MemoryFile::MemoryFile(unique_fd fd, std::error_code& ec) noexcept : length_(getSize(fd.get())) {
    if (length_ <= 0) {
        ec = to_code(EINVAL);
        return;
    }
    region_ = Region::adopt(std::move(fd), ec);
    if (!ec) map(ec);
}

MemoryFile::MemoryFile(unique_fd fd) : length_(getSize(fd.get())) {
    if (length_ <= 0) throw std::system_error(to_code(EINVAL), "ashmem::MemoryFile");
    region_ = Region::adopt(std::move(fd));
    throwing("ashmem::MemoryFile", [&](auto& ec) { map(ec); });
}

MemoryFile::~MemoryFile() = default;

void MemoryFile::map(std::error_code& ec) noexcept {
    mapping_ = region_.map(Prot::read_write, ec);
    if (ec) region_ = Region();
}

template <class Copy>
void MemoryFile::use(std::error_code& ec, Copy copy) noexcept {
    if (!region_.ok()) {
        ec = to_code(EBADF);
        return;
    }
    ec.clear();
    if (!purgeable_) return copy(mapping_.bytes().data());
    // Pinned for the copy only; bytes that were dropped are not copied at all.
    const PinResult result = region_.pin(ec);
    if (ec) return;
    if (result == PinResult::was_purged)
        ec = to_code(ENODATA);
    else
        copy(mapping_.bytes().data());
    std::error_code ignored;
    region_.unpin(ignored);
}

int MemoryFile::readBytes(std::span<std::byte> buffer, int srcOffset, int destOffset, int count,
                          std::error_code& ec) noexcept {
    const std::lock_guard guard(mutex_);
    if (!fits(destOffset, count, buffer.size()) ||
        !fits(srcOffset, count, static_cast<std::size_t>(length_))) {
        ec = to_code(region_.ok() ? EINVAL : EBADF);
        return 0;
    }
    use(ec, [&](const std::byte* bytes) {
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
    const std::lock_guard guard(mutex_);
    if (!fits(srcOffset, count, buffer.size()) ||
        !fits(destOffset, count, static_cast<std::size_t>(length_))) {
        ec = to_code(region_.ok() ? EINVAL : EBADF);
        return;
    }
    use(ec, [&](std::byte* bytes) {
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
    const std::lock_guard guard(mutex_);
    ec.clear();
    if (!region_.ok()) {
        ec = to_code(EBADF);
        return false;
    }
    const bool before = purgeable_;
    if (allow == before) return before;
    PinResult result = PinResult::not_purged;
    if (allow)
        region_.unpin(ec);
    else
        result = region_.pin(ec);
    if (!ec) purgeable_ = allow;
    if (result == PinResult::was_purged) ec = to_code(ENODATA);
    return before;
}

bool MemoryFile::allowPurging(bool allow) {
    return throwing("ashmem::MemoryFile::allowPurging",
                    [&](auto& ec) { return allowPurging(allow, ec); });
}

bool MemoryFile::isPurgingAllowed() const noexcept {
    const std::lock_guard guard(mutex_);
    return purgeable_;
}

int MemoryFile::getFd() const noexcept {
    const std::lock_guard guard(mutex_);
    return region_.fd();
}

void MemoryFile::close() noexcept {
    const std::lock_guard guard(mutex_);
    mapping_ = Mapping();
    region_ = Region();
}

bool MemoryFile::isMemoryFile(int fd) noexcept {
    return backend::of(fd) != backend::Backend::none;
}

int MemoryFile::getSize(int fd) noexcept {
    const std::int64_t size = isMemoryFile(fd) ? backend::size(fd) : -1;
    return std::in_range<int>(size) ? static_cast<int>(size) : -1;
}

} // namespace ashmem

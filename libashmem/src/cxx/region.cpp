// SPDX-License-Identifier: Apache-2.0
// Region: the calls of the backend, with errors as exceptions or error codes.
#include <ashmem/region.hpp>

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "../backend/backend.hpp"
#include "error.hpp"

static_assert(static_cast<int>(ashmem::Prot::read) == PROT_READ);
static_assert(static_cast<int>(ashmem::Prot::write) == PROT_WRITE);
static_assert(static_cast<int>(ashmem::Prot::exec) == PROT_EXEC);
static_assert(static_cast<int>(ashmem::PinResult::was_purged) == ASHMEM_WAS_PURGED);

namespace ashmem {
namespace {

/** Do something with a region by what keeps it; EBADF if there is none. */
template <auto operation, class... Arguments>
auto ask(const backend::Ops* ops, Arguments... arguments) noexcept {
    using Answer = decltype((ops->*operation)(arguments...));
    if (ops != nullptr) return (ops->*operation)(arguments...);
    errno = EBADF;
    return Answer{-1};
}

} // namespace

Region::Region(Region&& other) noexcept
    : fd_(std::move(other.fd_)),
      ops_(std::exchange(other.ops_, nullptr)),
      size_(other.size_.exchange(unknown, std::memory_order_relaxed)) {}

Region& Region::operator=(Region&& other) noexcept {
    if (this == &other) return *this;
    fd_ = std::move(other.fd_);
    ops_ = std::exchange(other.ops_, nullptr);
    size_ = other.size_.exchange(unknown, std::memory_order_relaxed);
    return *this;
}

unique_fd Region::release() noexcept {
    ops_ = nullptr;
    size_ = unknown;
    return std::move(fd_);
}

Region Region::create(std::string_view name, std::size_t size, std::error_code& ec) noexcept {
    char text[ASHMEM_NAME_LEN] = {};
    name.copy(text, sizeof(text) - 1);
    const backend::Ops* ops = nullptr;
    unique_fd fd(backend::create(text, size, ops));
    ec = code_of(fd.get());
    Region region(std::move(fd), ops);
    // ours are sealed
    if (ops == &backend::memfd_ops) region.size_ = size;
    return region;
}

Region Region::create(std::string_view name, std::size_t size) {
    return throwing("ashmem::Region::create", [&](auto& ec) { return create(name, size, ec); });
}

Region Region::adopt(unique_fd fd, std::error_code& ec) noexcept {
    const backend::Ops* const ops = backend::ops_of(fd.get());
    ec = code_of(ops != nullptr ? 0 : -1);
    if (ec) return {};
    return {std::move(fd), ops};
}

Region Region::adopt(unique_fd fd) {
    return throwing("ashmem::Region::adopt", [&](auto& ec) { return adopt(std::move(fd), ec); });
}

Region Region::dup(int fd, std::error_code& ec) noexcept {
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    ec = code_of(copy.get());
    return ec ? Region() : adopt(std::move(copy), ec);
}

Region Region::dup(int fd) {
    return throwing("ashmem::Region::dup", [&](auto& ec) { return dup(fd, ec); });
}

/** What the size is now; remembered if it stays so. */
std::size_t Region::ask_size(std::error_code& ec) const noexcept {
    const std::int64_t answer = ask<&backend::Ops::size>(ops_, fd());
    ec = code_of(answer);
    if (ec) return 0;
    if (std::cmp_greater(answer, std::numeric_limits<std::size_t>::max())) {
        ec = to_code(EOVERFLOW);
        return 0;
    }
    const auto size = static_cast<std::size_t>(answer);
    if (ops_->size_is_fixed(fd())) size_.store(size, std::memory_order_relaxed);
    return size;
}

std::size_t Region::size(std::error_code& ec) const noexcept {
    const std::size_t known = fixed_size();
    if (known == unknown) return ask_size(ec);
    ec.clear();
    return known;
}

std::size_t Region::size() const {
    return throwing("ashmem::Region::size", [&](auto& ec) { return size(ec); });
}

std::string Region::name(std::error_code& ec) const {
    char text[ASHMEM_NAME_LEN];
    const int length = ask<&backend::Ops::name>(ops_, fd(), text, sizeof(text));
    ec = code_of(length);
    return ec ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

std::string Region::name() const {
    return throwing("ashmem::Region::name", [&](auto& ec) { return name(ec); });
}

Prot Region::protection(std::error_code& ec) const noexcept {
    const int protection = ask<&backend::Ops::protection>(ops_, fd());
    ec = code_of(protection);
    return ec ? Prot::none : static_cast<Prot>(protection);
}

Prot Region::protection() const {
    return throwing("ashmem::Region::protection", [&](auto& ec) { return protection(ec); });
}

void Region::set_protection(Prot protection, std::error_code& ec) noexcept {
    ec = code_of(ask<&backend::Ops::set_protection>(ops_, fd(), static_cast<int>(protection)));
}

void Region::set_protection(Prot protection) {
    throwing("ashmem::Region::set_protection", [&](auto& ec) { set_protection(protection, ec); });
}

/** The first map fixes the driver's size, which somebody may have changed just before it. */
std::size_t Region::size_after_map(std::size_t before) const noexcept {
    if (ops_ != &backend::device_ops || fixed_size() != unknown) return before;
    std::error_code ec;
    const std::size_t size = ask_size(ec);
    if (ec) return before;
    size_.store(size, std::memory_order_relaxed);
    return size;
}

/*
 * The driver checks the length of a map but not where it starts, and a memfd
 * neither: beyond the end a map would succeed, and end in SIGBUS on the first
 * touch.
 */
Mapping Region::map(Prot protection, std::size_t offset, std::size_t length,
                    std::error_code& ec) const noexcept {
    const std::size_t whole = size(ec);
    if (ec) return {};
    if (length == to_end && offset <= whole) length = whole - offset;
    // No region is larger than an off_t can tell, and so no offset within one.
    static_assert(sizeof(off_t) == sizeof(std::int64_t));
    if (length == 0 || offset > whole || length > whole - offset) {
        ec = to_code(EINVAL);
        return {};
    }

    void* data = ::mmap(nullptr, length, static_cast<int>(protection), MAP_SHARED, fd(),
                        static_cast<off_t>(offset));
    if (data == MAP_FAILED) {
        ec = to_code(errno);
        return {};
    }
    Mapping mapping(static_cast<std::byte*>(data), length, protection);
    if (offset + length <= size_after_map(whole)) return mapping;
    ec = to_code(EINVAL);
    return {};
}

Mapping Region::map(Prot protection, std::error_code& ec) const noexcept {
    return map(protection, 0, to_end, ec);
}

Mapping Region::map(Prot protection, std::size_t offset, std::size_t length) const {
    return throwing("ashmem::Region::map",
                    [&](auto& ec) { return map(protection, offset, length, ec); });
}

backend::Range Region::range(std::size_t offset, std::size_t length) const noexcept {
    const std::size_t size = fixed_size();
    return {offset, length,
            size != unknown ? static_cast<std::int64_t>(size) : backend::unknown_size};
}

PinResult Region::pin(std::size_t offset, std::size_t length, std::error_code& ec) noexcept {
    const int answer = ask<&backend::Ops::pin>(ops_, fd(), range(offset, length));
    ec = code_of(answer);
    return answer == ASHMEM_WAS_PURGED ? PinResult::was_purged : PinResult::not_purged;
}

PinResult Region::pin(std::error_code& ec) noexcept {
    return pin(0, 0, ec);
}

PinResult Region::pin(std::size_t offset, std::size_t length) {
    return throwing("ashmem::Region::pin", [&](auto& ec) { return pin(offset, length, ec); });
}

void Region::unpin(std::size_t offset, std::size_t length, std::error_code& ec) noexcept {
    ec = code_of(ask<&backend::Ops::unpin>(ops_, fd(), range(offset, length)));
}

void Region::unpin(std::error_code& ec) noexcept {
    unpin(0, 0, ec);
}

void Region::unpin(std::size_t offset, std::size_t length) {
    throwing("ashmem::Region::unpin", [&](auto& ec) { unpin(offset, length, ec); });
}

bool Region::pinned(std::size_t offset, std::size_t length, std::error_code& ec) const noexcept {
    const int answer = ask<&backend::Ops::pin_status>(ops_, fd(), range(offset, length));
    ec = code_of(answer);
    return answer == ASHMEM_IS_PINNED;
}

bool Region::pinned(std::error_code& ec) const noexcept {
    return pinned(0, 0, ec);
}

bool Region::pinned(std::size_t offset, std::size_t length) const {
    return throwing("ashmem::Region::pinned", [&](auto& ec) { return pinned(offset, length, ec); });
}

} // namespace ashmem

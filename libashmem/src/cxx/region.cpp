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

Region Region::create(std::string_view name, std::size_t size, std::error_code& ec) noexcept {
    char text[ASHMEM_NAME_LEN] = {};
    name.copy(text, sizeof(text) - 1);
    unique_fd fd(backend::create(text, size));
    ec = code_of(fd.get());
    return Region(std::move(fd));
}

Region Region::create(std::string_view name, std::size_t size) {
    return throwing("ashmem::Region::create", [&](auto& ec) { return create(name, size, ec); });
}

Region Region::adopt(unique_fd fd, std::error_code& ec) noexcept {
    const bool is_region = backend::of(fd.get()) != backend::Backend::none;
    ec = code_of(is_region ? 0 : -1);
    return is_region ? Region(std::move(fd)) : Region();
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

std::size_t Region::size(std::error_code& ec) const noexcept {
    const std::int64_t size = backend::call<&backend::Ops::size>(fd());
    ec = code_of(size);
    if (ec) return 0;
    if (std::cmp_greater(size, std::numeric_limits<std::size_t>::max())) {
        ec = to_code(EOVERFLOW);
        return 0;
    }
    return static_cast<std::size_t>(size);
}

std::size_t Region::size() const {
    return throwing("ashmem::Region::size", [&](auto& ec) { return size(ec); });
}

std::string Region::name(std::error_code& ec) const {
    char text[ASHMEM_NAME_LEN];
    const int length = backend::call<&backend::Ops::name>(fd(), text, sizeof(text));
    ec = code_of(length);
    return ec ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

std::string Region::name() const {
    return throwing("ashmem::Region::name", [&](auto& ec) { return name(ec); });
}

Prot Region::protection(std::error_code& ec) const noexcept {
    const int protection = backend::call<&backend::Ops::protection>(fd());
    ec = code_of(protection);
    return ec ? Prot::none : static_cast<Prot>(protection);
}

Prot Region::protection() const {
    return throwing("ashmem::Region::protection", [&](auto& ec) { return protection(ec); });
}

void Region::set_protection(Prot protection, std::error_code& ec) noexcept {
    ec = code_of(backend::call<&backend::Ops::set_protection>(fd(), static_cast<int>(protection)));
}

void Region::set_protection(Prot protection) {
    throwing("ashmem::Region::set_protection", [&](auto& ec) { set_protection(protection, ec); });
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
    if (length == 0 || offset > whole || length > whole - offset ||
        std::cmp_greater(offset, std::numeric_limits<off_t>::max())) {
        ec = to_code(EINVAL);
        return {};
    }

    void* data = ::mmap(nullptr, length, static_cast<int>(protection), MAP_SHARED, fd(),
                        static_cast<off_t>(offset));
    if (data == MAP_FAILED) {
        ec = to_code(errno);
        return {};
    }
    return {static_cast<std::byte*>(data), length, protection};
}

Mapping Region::map(Prot protection, std::error_code& ec) const noexcept {
    return map(protection, 0, to_end, ec);
}

Mapping Region::map(Prot protection, std::size_t offset, std::size_t length) const {
    return throwing("ashmem::Region::map",
                    [&](auto& ec) { return map(protection, offset, length, ec); });
}

PinResult Region::pin(std::size_t offset, std::size_t length, std::error_code& ec) noexcept {
    const int answer = backend::call<&backend::Ops::pin>(fd(), offset, length);
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
    ec = code_of(backend::call<&backend::Ops::unpin>(fd(), offset, length));
}

void Region::unpin(std::error_code& ec) noexcept {
    unpin(0, 0, ec);
}

void Region::unpin(std::size_t offset, std::size_t length) {
    throwing("ashmem::Region::unpin", [&](auto& ec) { unpin(offset, length, ec); });
}

bool Region::pinned(std::size_t offset, std::size_t length, std::error_code& ec) const noexcept {
    const int answer = backend::call<&backend::Ops::pin_status>(fd(), offset, length);
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

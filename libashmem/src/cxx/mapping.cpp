// SPDX-License-Identifier: Apache-2.0
// Mapping: a map of a region, unmapped when it ends.
#include <ashmem/mapping.hpp>

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "error.hpp"

namespace ashmem {

Mapping::~Mapping() {
    std::error_code ignored;
    unmap(ignored);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      protection_(std::exchange(other.protection_, Prot::none)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    Mapping taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    std::swap(protection_, taken.protection_);
    return *this;
}

void Mapping::unmap(std::error_code& ec) noexcept {
    ec.clear();
    if (data_ == nullptr) return;
    if (::munmap(data_, size_) != 0) {
        ec = to_code(errno);
        return;
    }
    data_ = nullptr;
    size_ = 0;
    protection_ = Prot::none;
}

void Mapping::unmap() {
    throwing("ashmem::Mapping::unmap", [this](auto& ec) { unmap(ec); });
}

void Mapping::check_view(std::size_t size, std::size_t alignment,
                         std::error_code& ec) const noexcept {
    const bool fits = size_ % size == 0 && reinterpret_cast<std::uintptr_t>(data_) % alignment == 0;
    ec = fits ? std::error_code() : to_code(EINVAL);
}

void Mapping::check_view(std::size_t size, std::size_t alignment) const {
    throwing("ashmem::Mapping::as", [&](auto& ec) { check_view(size, alignment, ec); });
}

} // namespace ashmem

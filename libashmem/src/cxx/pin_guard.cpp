// SPDX-License-Identifier: Apache-2.0
// PinGuard: pins a range of a region, and unpins it when it ends.
#include <ashmem/pin_guard.hpp>

#include <utility>

#include "error.hpp"

namespace ashmem {

PinGuard::PinGuard(Region& region, std::size_t offset, std::size_t length,
                   std::error_code& ec) noexcept
    : region_(&region), offset_(offset), length_(length), result_(region.pin(offset, length, ec)) {
    if (ec) region_ = nullptr;
}

PinGuard::PinGuard(Region& region, std::size_t offset, std::size_t length)
    : PinGuard(throwing("ashmem::PinGuard",
                        [&](auto& ec) { return PinGuard(region, offset, length, ec); })) {}

PinGuard::~PinGuard() {
    std::error_code ignored;
    if (region_ != nullptr) region_->unpin(offset_, length_, ignored);
}

PinGuard::PinGuard(PinGuard&& other) noexcept
    : region_(std::exchange(other.region_, nullptr)),
      offset_(other.offset_),
      length_(other.length_),
      result_(other.result_) {}

} // namespace ashmem

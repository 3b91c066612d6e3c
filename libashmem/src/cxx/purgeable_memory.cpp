// SPDX-License-Identifier: Apache-2.0
// PurgeableMemory: chooses its kind; the kind that is a region.
#include "purgeable_memory.hpp"

#include <unistd.h>

#include <ashmem/mapping.hpp>
#include <utility>

#include "../backend/backend.hpp"
#include "../posix.hpp"
#include "free_memory.hpp"

namespace ashmem {
namespace {

class RegionMemory final : public PurgeableMemory {
public:
    RegionMemory(Region region, Mapping mapping, Use use) noexcept
        : region_(std::move(region)), mapping_(std::move(mapping)), use_(use) {}

    [[nodiscard]] std::span<std::byte> bytes() noexcept override { return mapping_.bytes(); }
    [[nodiscard]] const Region* region() const noexcept override {
        return use_ == Use::shared ? &region_ : nullptr;
    }
    [[nodiscard]] bool keep(std::size_t offset, std::size_t length,
                            std::error_code& ec) noexcept override {
        return region_.pin(offset, pages(offset, length), ec) == PinResult::not_purged && !ec;
    }
    void give_up(std::size_t offset, std::size_t length) noexcept override {
        std::error_code ignored; // what stays pinned is not lost
        if (!inherited()) region_.unpin(offset, pages(offset, length), ignored);
    }
    void discard(std::size_t offset, std::size_t length) noexcept override {
        give_up(offset, length);
    }
    [[nodiscard]] bool inherited() const noexcept override {
        return use_ == Use::own && ::getpid() != owner_;
    }

private:
    /** As PIN wants it: all of a region may be more than the 32 bits of a length. */
    [[nodiscard]] std::size_t pages(std::size_t offset, std::size_t length) const noexcept {
        return offset == 0 && length == mapping_.bytes().size() ? 0 : in_pages(length);
    }

    Region region_;
    Mapping mapping_;
    Use use_;
    pid_t owner_ = ::getpid();
};

} // namespace

std::unique_ptr<PurgeableMemory> PurgeableMemory::create(std::string_view name, std::size_t size,
                                                         Use use, std::error_code& ec) {
    auto region = Region::create(name, size, ec);
    if (ec) return nullptr;
    if (use == Use::own && backend::of(region.fd()) == backend::Backend::memfd)
        return FreeMemory::create(size, ec);
    auto mapping = region.map(Prot::read_write, ec);
    if (ec) return nullptr;
    return std::make_unique<RegionMemory>(std::move(region), std::move(mapping), use);
}

} // namespace ashmem

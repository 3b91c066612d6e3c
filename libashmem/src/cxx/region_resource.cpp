// SPDX-License-Identifier: Apache-2.0
// RegionResource: a header at the start of a region, and what is allocated behind it.
#include <ashmem/region_resource.hpp>

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <ashmem/mapping.hpp>
#include <atomic>
#include <new>
#include <utility>

#include "error.hpp"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace ashmem {
namespace {

// What the first word says: nothing, while it is made, and which layout there is.
constexpr std::uint32_t empty = 0, in_the_making = 1;
constexpr std::uint32_t ready = 0x61726d00 | (sizeof(void*) << 4) | 1;

// Words are of the machine's own size, which `ready` tells.
struct Header {
    std::atomic<std::uint32_t> state;
    std::size_t address;
    std::size_t size;
    std::atomic<std::size_t> used;
    std::atomic<std::size_t> root; // the offset of a Root; 0: none
};
static_assert(sizeof(Header) <= RegionResource::header_size);
static_assert(std::atomic<std::size_t>::is_always_lock_free);

// Written once, so that both are of the same object.
struct Root {
    std::size_t offset, size;
};

std::size_t page_size() noexcept {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/** A map of all of a region. */
struct Map {
    std::byte* data = nullptr;
    std::size_t size = 0;

    Map() = default;
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;
    ~Map() {
        if (data != nullptr) ::munmap(data, size);
    }

    /** At an address, which is not taken from anybody else, or at any. */
    void map(const Region& region, Prot protection, std::size_t address,
             std::error_code& ec) noexcept {
        const int flags = MAP_SHARED | (address != 0 ? MAP_FIXED_NOREPLACE : 0);
        void* const wanted = reinterpret_cast<void*>(address);
        void* const got = ::mmap(wanted, size, static_cast<int>(protection), flags, region.fd(), 0);
        ec = code_of(got == MAP_FAILED ? -1 : 0);
        if (ec) return;
        data = static_cast<std::byte*>(got);
        if (address == 0 || got == wanted) return;
        // a kernel before 4.17 takes the address for a proposal
        ::munmap(std::exchange(data, nullptr), size);
        ec = to_code(EEXIST);
    }

    /** Where hardly any process has something, if addresses have the bits for that. */
    void map_far_away(const Region& region, std::error_code& ec) noexcept {
        if constexpr (sizeof(std::size_t) == 8) {
            // From 64 GiB, above programs of fixed addresses, to 448 GiB, for arm64 may have
            // 512; the kernel's own maps and programs of any address are further up.
            constexpr std::uint64_t step = std::uint64_t{2} << 20;
            constexpr std::uint64_t first = std::uint64_t{64} << 30;
            constexpr std::uint64_t steps = (std::uint64_t{384} << 30) / step;
            for (int tries = 0; tries < 8; ++tries) {
                std::uint64_t random = 0;
                (void)!::getrandom(&random, sizeof(random), GRND_NONBLOCK);
                map(region, Prot::read_write, first + random % steps * step, ec);
                if (!ec) return;
                if (ec.value() != EEXIST && ec.value() != ENOMEM) return;
            }
        }
        map(region, Prot::read_write, 0, ec);
    }
};

} // namespace

struct RegionResource::Impl {
    Map map;
    Prot protection = Prot::read;

    [[nodiscard]] Header& header() const noexcept { return *reinterpret_cast<Header*>(map.data); }
    [[nodiscard]] bool writable() const noexcept { return includes(protection, Prot::write); }
    /** Null if there is no room. */
    [[nodiscard]] std::byte* allocate(std::size_t bytes, std::size_t alignment) noexcept;
    void make_header() noexcept;
    /** Whether the region holds a resource, and where it wants to be mapped. */
    [[nodiscard]] static std::size_t address_of(const Region& region, std::error_code& ec) noexcept;
};

void RegionResource::Impl::make_header() noexcept {
    header().address = reinterpret_cast<std::size_t>(map.data);
    header().size = map.size;
    header().used.store(header_size, std::memory_order_relaxed);
    header().state.store(ready, std::memory_order_release);
}

std::byte* RegionResource::Impl::allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (!writable()) return nullptr;
    if (bytes == 0) bytes = 1; // no two allocations begin at one place
    const std::size_t address = header().address;
    std::size_t used = header().used.load(std::memory_order_relaxed);
    for (;;) {
        // of the address that it has where pointers are right
        const std::size_t start = ((address + used + alignment - 1) & ~(alignment - 1)) - address;
        if (start < used || start > map.size || bytes > map.size - start) return nullptr;
        if (header().used.compare_exchange_weak(used, start + bytes)) return map.data + start;
    }
}

std::size_t RegionResource::Impl::address_of(const Region& region, std::error_code& ec) noexcept {
    const std::size_t size = region.size(ec);
    if (!ec && size <= header_size) ec = to_code(EPROTO);
    if (ec) return 0;
    const Mapping mapping = region.map(Prot::read, 0, header_size, ec);
    if (ec) return 0;
    const auto& header = *reinterpret_cast<const Header*>(mapping.bytes().data());
    const std::uint32_t state = header.state.load(std::memory_order_acquire);
    if (state == empty || state == in_the_making)
        ec = to_code(EAGAIN);
    else if (state != ready || header.size != size || header.address == 0 ||
             header.address % page_size() != 0)
        ec = to_code(EPROTO);
    return ec ? 0 : header.address;
}

RegionResource::RegionResource(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
RegionResource::~RegionResource() = default;

std::unique_ptr<RegionResource> RegionResource::create(const Region& region, void* address,
                                                       std::error_code& ec) {
    auto impl = std::make_unique<Impl>();
    impl->protection = Prot::read_write;
    impl->map.size = region.size(ec);
    if (ec) return nullptr;
    const auto wanted = reinterpret_cast<std::size_t>(address);
    if (impl->map.size <= header_size || wanted % page_size() != 0) {
        ec = to_code(EINVAL);
        return nullptr;
    }
    if (wanted != 0)
        impl->map.map(region, Prot::read_write, wanted, ec);
    else
        impl->map.map_far_away(region, ec);
    if (ec) return nullptr;
    std::uint32_t state = empty;
    if (!impl->header().state.compare_exchange_strong(state, in_the_making)) {
        ec = to_code(EEXIST);
        return nullptr;
    }
    impl->make_header();
    return std::unique_ptr<RegionResource>(new RegionResource(std::move(impl)));
}

std::unique_ptr<RegionResource> RegionResource::create(const Region& region, void* address) {
    return throwing("ashmem::RegionResource::create",
                    [&](auto& ec) { return create(region, address, ec); });
}

std::unique_ptr<RegionResource> RegionResource::attach_at(const Region& region, Prot protection,
                                                          bool its_address, std::error_code& ec) {
    auto impl = std::make_unique<Impl>();
    const std::size_t address = Impl::address_of(region, ec);
    if (!ec) impl->map.size = region.size(ec);
    if (!ec && !includes(protection, Prot::read)) ec = to_code(EINVAL);
    if (!ec) impl->map.map(region, protection, its_address ? address : 0, ec);
    if (ec) return nullptr;
    impl->protection = protection;
    return std::unique_ptr<RegionResource>(new RegionResource(std::move(impl)));
}

std::unique_ptr<RegionResource> RegionResource::attach(const Region& region, Prot protection,
                                                       std::error_code& ec) {
    return attach_at(region, protection, true, ec);
}

std::unique_ptr<RegionResource> RegionResource::attach(const Region& region, Prot protection) {
    return throwing("ashmem::RegionResource::attach",
                    [&](auto& ec) { return attach(region, protection, ec); });
}

std::unique_ptr<RegionResource> RegionResource::attach_anywhere(const Region& region,
                                                                Prot protection,
                                                                std::error_code& ec) {
    return attach_at(region, protection, false, ec);
}

std::unique_ptr<RegionResource> RegionResource::attach_anywhere(const Region& region,
                                                                Prot protection) {
    return throwing("ashmem::RegionResource::attach_anywhere",
                    [&](auto& ec) { return attach_anywhere(region, protection, ec); });
}

void* RegionResource::do_allocate(std::size_t bytes, std::size_t alignment) {
    std::byte* const place = impl_->allocate(bytes, alignment);
    if (place == nullptr) throw std::bad_alloc();
    return place;
}

void RegionResource::do_deallocate(void* place, std::size_t bytes, std::size_t) {
    if (!impl_->writable()) return;
    const auto start = static_cast<std::size_t>(static_cast<std::byte*>(place) - impl_->map.data);
    std::size_t end = start + (bytes == 0 ? 1 : bytes);
    impl_->header().used.compare_exchange_strong(end, start);
}

bool RegionResource::do_is_equal(const memory_resource& other) const noexcept {
    return this == &other;
}

void RegionResource::publish_bytes(const void* root, std::size_t size,
                                   std::error_code& ec) noexcept {
    ec.clear();
    const auto offset = static_cast<std::size_t>(offset_of(root));
    if (!impl_->writable())
        ec = to_code(EACCES);
    else if (offset == 0 || place(offset, size, 1, 1) == nullptr)
        ec = to_code(EINVAL);
    if (ec) return;
    std::byte* const note = impl_->allocate(sizeof(Root), alignof(Root));
    if (note == nullptr) {
        ec = to_code(ENOMEM);
        return;
    }
    new (note) Root{offset, size};
    impl_->header().root.store(static_cast<std::size_t>(note - impl_->map.data),
                               std::memory_order_release);
}

void RegionResource::publish_bytes(const void* root, std::size_t size) {
    throwing("ashmem::RegionResource::publish", [&](auto& ec) { publish_bytes(root, size, ec); });
}

const void* RegionResource::find_bytes(std::size_t size, std::size_t alignment,
                                       std::error_code& ec) const noexcept {
    ec.clear();
    const std::size_t offset = impl_->header().root.load(std::memory_order_acquire);
    if (!has_its_address())
        ec = to_code(ENOTSUP);
    else if (offset == 0)
        ec = to_code(EAGAIN);
    if (ec) return nullptr;
    const Root* const note = at<const Root>(offset);
    const void* const found =
        note != nullptr && note->size == size ? place(note->offset, size, 1, alignment) : nullptr;
    if (found == nullptr) ec = to_code(EPROTO);
    return found;
}

const void* RegionResource::find_bytes(std::size_t size, std::size_t alignment) const {
    return throwing("ashmem::RegionResource::find",
                    [&](auto& ec) { return find_bytes(size, alignment, ec); });
}

std::uint64_t RegionResource::root(std::error_code& ec) const noexcept {
    ec.clear();
    const std::size_t offset = impl_->header().root.load(std::memory_order_acquire);
    const Root* const note = offset != 0 ? at<const Root>(offset) : nullptr;
    if (note == nullptr) ec = to_code(EAGAIN);
    return ec ? 0 : note->offset;
}

std::uint64_t RegionResource::root() const {
    return throwing("ashmem::RegionResource::root", [&](auto& ec) { return root(ec); });
}

std::uint64_t RegionResource::offset_of(const void* place) const noexcept {
    const auto offset =
        reinterpret_cast<std::size_t>(place) - reinterpret_cast<std::size_t>(impl_->map.data);
    return offset >= header_size && offset < impl_->map.size ? offset : 0;
}

void* RegionResource::place(std::uint64_t offset, std::size_t size, std::size_t count,
                            std::size_t alignment) const noexcept {
    const std::size_t end = used();
    if (offset < header_size || offset > end ||
        count > (end - static_cast<std::size_t>(offset)) / size)
        return nullptr;
    std::byte* const found = impl_->map.data + static_cast<std::size_t>(offset);
    return reinterpret_cast<std::size_t>(found) % alignment == 0 ? found : nullptr;
}

const void* RegionResource::address() const noexcept {
    return impl_->map.data;
}

bool RegionResource::has_its_address() const noexcept {
    return impl_->header().address == reinterpret_cast<std::size_t>(impl_->map.data);
}

// Another process may have written anything there.
std::size_t RegionResource::used() const noexcept {
    return std::min(impl_->header().used.load(std::memory_order_acquire), impl_->map.size);
}

std::size_t RegionResource::size() const noexcept {
    return impl_->map.size;
}

} // namespace ashmem

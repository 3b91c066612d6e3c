// SPDX-License-Identifier: Apache-2.0
// Parcel: values as bytes in libbinder's form, and the places of objects among them.
#include <ashmem/binder/parcel.hpp>

#include <fcntl.h>
#include <linux/android/binder.h>

#include <ashmem/binder/process.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "../cxx/error.hpp"
#include "protocol.hpp"

namespace ashmem::binder {
namespace {

constexpr std::size_t alignment = 4;

/** What Android 11 and later write before an interface's name. */
constexpr std::int32_t no_strict_mode = 0, no_work_source = -1;

flat_binder_object flatten(const Reference& reference) noexcept {
    flat_binder_object object{};
    object.flags = protocol::object_flags;
    object.hdr.type = BINDER_TYPE_BINDER;
    if (reference.local) {
        if (reference.local->accepts_fds()) object.flags |= FLAT_BINDER_FLAG_ACCEPTS_FDS;
        object.binder = object.cookie = reference.local->number();
    } else if (reference.remote) {
        object.hdr.type = BINDER_TYPE_HANDLE;
        object.handle = reference.remote->handle();
    }
    return object;
}

} // namespace

struct Parcel::Impl {
    void append(const void* from, std::size_t size);

    std::vector<std::byte> data;
    std::vector<std::uint64_t> offsets;
    std::vector<unique_fd> fds;
    std::vector<Reference> references;
};

void Parcel::Impl::append(const void* from, std::size_t size) {
    const std::size_t at = data.size();
    data.resize(at + (size + alignment - 1) / alignment * alignment);
    std::memcpy(data.data() + at, from, size);
}

Parcel::Parcel() noexcept = default;
Parcel::Parcel(Parcel&&) noexcept = default;
Parcel& Parcel::operator=(Parcel&&) noexcept = default;
Parcel::~Parcel() = default;

Parcel::Impl& Parcel::impl() {
    if (!impl_) impl_ = std::make_unique<Impl>();
    return *impl_;
}

std::span<const std::byte> Parcel::data() const noexcept {
    if (!impl_) return {};
    return impl_->data;
}

std::span<const std::uint64_t> Parcel::offsets() const noexcept {
    if (!impl_) return {};
    return impl_->offsets;
}

std::span<const Reference> Parcel::references() const noexcept {
    if (!impl_) return {};
    return impl_->references;
}

void Parcel::i32(std::int32_t value) {
    impl().append(&value, sizeof(value));
}

void Parcel::i64(std::int64_t value) {
    impl().append(&value, sizeof(value));
}

void Parcel::string16(std::u16string_view text) {
    if (text.size() > std::numeric_limits<std::int32_t>::max())
        throw std::length_error("binder::Parcel::string16");
    i32(static_cast<std::int32_t>(text.size()));
    std::u16string with_end(text);
    impl().append(with_end.c_str(), (text.size() + 1) * sizeof(char16_t));
}

void Parcel::token(std::u16string_view interface) {
    i32(no_strict_mode);
    i32(no_work_source);
    i32(protocol::system_header);
    string16(interface);
}

void Parcel::fd(int fd, std::error_code& ec) {
    unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    ec = code_of(copy.get());
    if (ec) return;
    binder_fd_object object{};
    object.hdr.type = BINDER_TYPE_FD;
    object.pad_flags = protocol::object_flags;
    object.fd = static_cast<std::uint32_t>(copy.get());
    Impl& parts = impl();
    parts.offsets.push_back(parts.data.size());
    parts.fds.push_back(std::move(copy));
    parts.append(&object, sizeof(object));
}

void Parcel::fd(int fd) {
    throwing("binder::Parcel::fd", [&](auto& ec) { this->fd(fd, ec); });
}

void Parcel::object(const Reference& reference) {
    const flat_binder_object object = flatten(reference);
    Impl& parts = impl();
    // null has bytes like an object, but the driver must not look for one there
    if (reference) {
        parts.offsets.push_back(parts.data.size());
        parts.references.push_back(reference);
    }
    parts.append(&object, sizeof(object));
    i32(reference ? protocol::stability_system : protocol::stability_none);
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// Reader: values out of bytes that another process wrote, each checked before it is taken.
#include <ashmem/binder/parcel.hpp>

#include <linux/android/binder.h>

#include <algorithm>
#include <cstring>

#include "protocol.hpp"

namespace ashmem::binder {

bool Reader::bytes(void* to, std::size_t size) noexcept {
    constexpr std::size_t alignment = 4;
    ok_ = ok_ && size <= left();
    if (!ok_) return false;
    std::memcpy(to, data_.data() + at_, size);
    // the padding of the last value may be missing
    at_ += std::min((size + alignment - 1) / alignment * alignment, left());
    return true;
}

std::int32_t Reader::i32() noexcept {
    std::int32_t value = 0;
    bytes(&value, sizeof(value));
    return value;
}

std::int64_t Reader::i64() noexcept {
    std::int64_t value = 0;
    bytes(&value, sizeof(value));
    return value;
}

std::u16string Reader::string16() {
    const std::int32_t length = i32();
    if (!ok_ || length == -1) return {};
    // its end, a zero, is not counted
    const auto units = static_cast<std::size_t>(length) + 1;
    ok_ = length >= 0 && units <= left() / sizeof(char16_t);
    if (!ok_) return {};
    std::u16string text(units, u'\0');
    bytes(text.data(), units * sizeof(char16_t));
    ok_ = text.back() == u'\0';
    text.pop_back();
    return ok_ ? text : std::u16string();
}

bool Reader::token(std::u16string_view interface) {
    i32(); // strict mode
    i32(); // work source
    i32(); // partition
    ok_ = string16() == interface && ok_;
    return ok_;
}

std::optional<Reader::Flat> Reader::flat() noexcept {
    flat_binder_object object{};
    const std::size_t at = at_;
    if (!bytes(&object, sizeof(object))) return {};
    const bool fd = object.hdr.type == BINDER_TYPE_FD,
               handle = object.hdr.type == BINDER_TYPE_HANDLE;
    return Flat{at, object.hdr.type, fd || handle ? object.handle : object.cookie};
}

std::optional<Reader::Flat> Reader::fd() noexcept {
    const auto found = flat();
    ok_ = found && found->type == BINDER_TYPE_FD &&
          std::ranges::find(offsets_, found->at) != offsets_.end();
    return ok_ ? found : std::nullopt;
}

std::optional<Reader::Flat> Reader::object() noexcept {
    const auto found = flat();
    i32(); // stability
    if (!found || !ok_) return {};
    const bool null = found->type == BINDER_TYPE_BINDER && found->value == 0;
    const bool object = found->type == BINDER_TYPE_BINDER || found->type == BINDER_TYPE_HANDLE;
    ok_ = null || (object && std::ranges::find(offsets_, found->at) != offsets_.end());
    return ok_ && !null ? found : std::nullopt;
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A message's bytes, judged apart from any driver: the structs and the descriptors in them.
 */
#pragma once

#include <linux/android/binder.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ashmem::binder::wire {

/** A struct at a place in the data, zeros if it does not fit. */
template <class T>
[[nodiscard]] T read_at(std::span<const std::byte> data, std::uint64_t at) noexcept {
    T found{};
    if (at <= data.size() && data.size() - at >= sizeof(T))
        std::memcpy(&found, data.data() + at, sizeof(T));
    return found;
}

/**
 * Call one function with each descriptor and the place of its object, and another with
 * each that stands in an array, which libbinder does not read either. `memory` finds
 * the bytes at an address and of a length, or none.
 */
template <class Memory, class Single, class InArray>
void each_descriptor(std::span<const std::byte> data, std::span<const std::uint64_t> offsets,
                     Memory memory, Single single, InArray in_array) {
    for (const std::uint64_t at : offsets) {
        const auto object = read_at<binder_fd_object>(data, at);
        if (object.hdr.type == BINDER_TYPE_FD)
            single(static_cast<std::size_t>(at), static_cast<int>(object.fd));
        if (object.hdr.type != BINDER_TYPE_FDA) continue;
        const auto array = read_at<binder_fd_array_object>(data, at);
        if (array.parent >= offsets.size()) continue;
        const auto parent =
            read_at<binder_buffer_object>(data, offsets[static_cast<std::size_t>(array.parent)]);
        const std::span<const std::byte> bytes = memory(parent.buffer, parent.length);
        if (array.parent_offset > bytes.size()) continue;
        const auto numbers = bytes.subspan(static_cast<std::size_t>(array.parent_offset));
        for (std::uint64_t i = 0; i < array.num_fds && i < numbers.size() / sizeof(int); ++i)
            in_array(read_at<int>(numbers, i * sizeof(int)));
    }
}

} // namespace ashmem::binder::wire

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What another process says of its heap and windows, judged apart from any driver.
 */
#pragma once

#include <ashmem/binder/parcel.hpp>
#include <cstdint>
#include <limits>
#include <optional>

namespace ashmem::binder::wire {

/** The answer to HEAP_ID, after its descriptor. */
struct Heap {
    std::size_t size = 0;
    std::int64_t offset = 0;
    std::uint32_t flags = 0;
};

/** The answer to GET_MEMORY, after its heap. */
struct Window {
    std::int64_t offset = 0;
    std::size_t size = 0;
};

/** Nothing unless it is whole and can be mapped: of `available` bytes, in such pages. */
template <class Source>
[[nodiscard]] std::optional<Heap> heap(Source& in, std::uint64_t available, std::uint64_t page) {
    const std::uint64_t size = in.u64();
    const std::int64_t offset = in.i64();
    const std::uint32_t flags = in.u32();
    const auto from = static_cast<std::uint64_t>(offset);
    // a region ends with its last page
    const std::uint64_t end = available > std::numeric_limits<std::uint64_t>::max() - page
                                  ? available
                                  : (available + page - 1) / page * page;
    const bool fits = in.ok() && offset >= 0 && from % page == 0 && size > 0 && from <= end &&
                      size <= end - from && size <= std::numeric_limits<std::size_t>::max();
    if (!fits) return {};
    return Heap{static_cast<std::size_t>(size), offset, flags};
}

/** Nothing unless it is whole and lies within a heap of such a size. */
template <class Source>
[[nodiscard]] std::optional<Window> window(Source& in, std::size_t whole) {
    const std::int64_t offset = in.i64();
    const std::uint64_t size = in.u64();
    const bool fits = in.ok() && offset >= 0 && static_cast<std::uint64_t>(offset) <= whole &&
                      size <= whole - static_cast<std::uint64_t>(offset);
    if (!fits) return {};
    return Window{offset, static_cast<std::size_t>(size)};
}

} // namespace ashmem::binder::wire

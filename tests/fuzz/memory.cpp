// SPDX-License-Identifier: Apache-2.0
// Sizes and offsets of heaps and windows, as another process may send them. Accepted ones
// must be mappable and lie within their file or heap.
#include <cstdlib>

#include "../../libashmem/src/binder/memory_wire.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Wide = unsigned __int128;
    fuzz::Input input(data, size);
    const std::uint64_t page = std::uint64_t{4096} << input.number<std::uint8_t>() % 5;
    const auto available = input.number<std::uint64_t>() >> input.number<std::uint8_t>() % 64;
    const auto bytes = input.rest();

    ashmem::binder::Reader first(bytes, {});
    if (const auto heap = ashmem::binder::wire::heap(first, available, page)) {
        const Wide end = (Wide{available} + page - 1) / page * page;
        if (heap->size == 0 || heap->offset < 0 || heap->offset % page != 0) abort();
        if (Wide(heap->offset) + heap->size > end) abort();
    }
    ashmem::binder::Reader second(bytes, {});
    if (const auto window = ashmem::binder::wire::window(second, available)) {
        if (window->offset < 0 || Wide(window->offset) + window->size > available) abort();
    }
    return 0;
}

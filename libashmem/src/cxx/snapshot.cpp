// SPDX-License-Identifier: Apache-2.0
// Copies bytes that other processes may be changing, so that each is read once.
#include <ashmem/snapshot.hpp>

#include <cstdint>
#include <cstring>

#include "error.hpp"

namespace ashmem {

void copy_out(std::span<const std::byte> shared, std::size_t offset, std::span<std::byte> to,
              std::error_code& ec) noexcept {
    if (offset > shared.size() || to.size() > shared.size() - offset) {
        ec = to_code(EINVAL);
        return;
    }
    ec.clear();
    using Word = std::uintptr_t;
    const std::byte* from = shared.data() + offset;
    std::size_t at = 0;
    while (at < to.size()) {
        const bool whole = reinterpret_cast<std::uintptr_t>(from + at) % sizeof(Word) == 0 &&
                           to.size() - at >= sizeof(Word);
        if (whole) {
            const Word word =
                __atomic_load_n(reinterpret_cast<const Word*>(from + at), __ATOMIC_RELAXED);
            std::memcpy(to.data() + at, &word, sizeof(word));
            at += sizeof(word);
        } else {
            to[at] = std::byte{__atomic_load_n(reinterpret_cast<const unsigned char*>(from + at),
                                               __ATOMIC_RELAXED)};
            ++at;
        }
    }
}

void copy_out(std::span<const std::byte> shared, std::size_t offset, std::span<std::byte> to) {
    throwing("ashmem::copy_out", [&](auto& ec) { copy_out(shared, offset, to, ec); });
}

} // namespace ashmem

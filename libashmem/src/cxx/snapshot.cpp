// SPDX-License-Identifier: Apache-2.0
// Copies bytes that other processes may be changing, so that each is read once: memcpy() reads
// some twice, where its loads overlap.
#include <ashmem/snapshot.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "error.hpp"

namespace ashmem {
namespace {

using Word = std::uintptr_t;

/** What is left to copy. Each load is one that a compiler may neither repeat nor leave out. */
struct Copy {
    const std::byte* from;
    std::byte* to;
    std::size_t left;

    /** `count` are left, or more. */
    void bytes(std::size_t count) noexcept;
    /** Words as long as there are whole ones; `from` is aligned. */
    void words() noexcept;
    /** Blocks as long as there are whole ones. */
    void blocks() noexcept;
    /** Any number of bytes. */
    void few() noexcept;

    void moved(std::size_t count) noexcept {
        from += count;
        to += count;
        left -= count;
    }
};

void Copy::bytes(std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = std::byte{
            __atomic_load_n(reinterpret_cast<const unsigned char*>(from) + i, __ATOMIC_RELAXED)};
    moved(count);
}

void Copy::words() noexcept {
    const std::size_t count = left / sizeof(Word);
    const auto* const shared = reinterpret_cast<const Word*>(from);
    for (std::size_t i = 0; i < count; ++i) {
        const Word word = __atomic_load_n(shared + i, __ATOMIC_RELAXED);
        std::memcpy(to + i * sizeof(word), &word, sizeof(word));
    }
    moved(count * sizeof(Word));
}

void Copy::few() noexcept {
    bytes(std::min(left, (0 - reinterpret_cast<std::uintptr_t>(from)) % sizeof(Word)));
    words();
    bytes(left);
}

#ifdef __x86_64__

// Loads as wide as the processor has them, which no atomic type is.
constexpr std::size_t narrow_block = 64, wide_block = 128;

template <std::size_t size>
using Bytes = const std::byte (*)[size];

void narrow_blocks(Copy& copy) noexcept {
    Copy now = copy; // not in memory
    for (; now.left >= narrow_block; now.moved(narrow_block)) {
        __m128i a, b, c, d;
        asm volatile(
            "movups (%[from]), %[a]\n\t"
            "movups 16(%[from]), %[b]\n\t"
            "movups 32(%[from]), %[c]\n\t"
            "movups 48(%[from]), %[d]"
            : [a] "=&x"(a), [b] "=&x"(b), [c] "=&x"(c), [d] "=&x"(d)
            : [from] "r"(now.from), "m"(*reinterpret_cast<Bytes<narrow_block>>(now.from)));
        auto* const to = reinterpret_cast<__m128i*>(now.to);
        _mm_storeu_si128(to, a);
        _mm_storeu_si128(to + 1, b);
        _mm_storeu_si128(to + 2, c);
        _mm_storeu_si128(to + 3, d);
    }
    copy = now;
}

__attribute__((target("avx"))) void wide_blocks(Copy& copy) noexcept {
    Copy now = copy;
    for (; now.left >= wide_block; now.moved(wide_block)) {
        __m256i a, b, c, d;
        asm volatile(
            "vmovups (%[from]), %[a]\n\t"
            "vmovups 32(%[from]), %[b]\n\t"
            "vmovups 64(%[from]), %[c]\n\t"
            "vmovups 96(%[from]), %[d]"
            : [a] "=&x"(a), [b] "=&x"(b), [c] "=&x"(c), [d] "=&x"(d)
            : [from] "r"(now.from), "m"(*reinterpret_cast<Bytes<wide_block>>(now.from)));
        auto* const to = reinterpret_cast<__m256i*>(now.to);
        _mm256_storeu_si256(to, a);
        _mm256_storeu_si256(to + 1, b);
        _mm256_storeu_si256(to + 2, c);
        _mm256_storeu_si256(to + 3, d);
    }
    copy = now;
}

void Copy::blocks() noexcept {
    // a store that crosses cache lines costs more than a load that does
    constexpr std::size_t line = 64;
    if (left >= 8 * line) {
        Copy head{from, to, (0 - reinterpret_cast<std::uintptr_t>(to)) % line};
        moved(head.left);
        head.few();
    }
    if (__builtin_cpu_supports("avx")) wide_blocks(*this);
    narrow_blocks(*this);
}

#else

void Copy::blocks() noexcept {
    // several loads before their stores, so that they do not wait for each other
    constexpr std::size_t block = 8;
    if (reinterpret_cast<std::uintptr_t>(from) % sizeof(Word) != 0) return;
    for (; left >= block * sizeof(Word); moved(block * sizeof(Word))) {
        Word words[block];
        for (std::size_t i = 0; i < block; ++i)
            words[i] = __atomic_load_n(reinterpret_cast<const Word*>(from) + i, __ATOMIC_RELAXED);
        std::memcpy(to, words, sizeof(words));
    }
}

#endif

} // namespace

void copy_out(std::span<const std::byte> shared, std::size_t offset, std::span<std::byte> to,
              std::error_code& ec) noexcept {
    if (offset > shared.size() || to.size() > shared.size() - offset) {
        ec = to_code(EINVAL);
        return;
    }
    ec.clear();
    Copy copy{shared.data() + offset, to.data(), to.size()};
    copy.blocks();
    copy.few();
}

void copy_out(std::span<const std::byte> shared, std::size_t offset, std::span<std::byte> to) {
    throwing("ashmem::copy_out", [&](auto& ec) { copy_out(shared, offset, to, ec); });
}

} // namespace ashmem

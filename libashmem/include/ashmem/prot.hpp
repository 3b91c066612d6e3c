// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ashmem {

/** Ways to use memory, as a set of bits. The values are those of PROT_READ and its kin. */
enum class Prot : int {
    none = 0,
    read = 1,
    write = 2,
    exec = 4,
    read_write = read | write,
    all = read | write | exec,
};

[[nodiscard]] constexpr Prot operator|(Prot a, Prot b) noexcept {
    return static_cast<Prot>(static_cast<int>(a) | static_cast<int>(b));
}

[[nodiscard]] constexpr Prot operator&(Prot a, Prot b) noexcept {
    return static_cast<Prot>(static_cast<int>(a) & static_cast<int>(b));
}

/** All the ways that `a` lacks. */
[[nodiscard]] constexpr Prot operator~(Prot a) noexcept {
    return static_cast<Prot>(~static_cast<int>(a) & static_cast<int>(Prot::all));
}

constexpr Prot& operator|=(Prot& a, Prot b) noexcept {
    return a = a | b;
}
constexpr Prot& operator&=(Prot& a, Prot b) noexcept {
    return a = a & b;
}

/** Tell whether `set` holds every bit of `bits`. */
[[nodiscard]] constexpr bool includes(Prot set, Prot bits) noexcept {
    return (set & bits) == bits;
}

} // namespace ashmem

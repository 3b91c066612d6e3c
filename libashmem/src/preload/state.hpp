// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An emulated region: one memfd, whose pages beyond the data hold what the driver
 * would know of it. Whoever has a descriptor of it, by fork, exec, dup or a socket,
 * has all of it.
 *
 * Nothing in this folder throws or allocates, except the walk in purge.cpp. Nothing takes
 * much stack either, for the program's threads may have little.
 */
#pragma once

#include <linux/ashmem.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace ashmem::preload {

/** The limit of separate unpinned ranges in a region, as in the driver. */
inline constexpr std::uint32_t max_ranges = 131072;

/** Unpinned pages, both ends included. Layout shared with programs of any word size. */
struct Range {
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t unpin_seq : 63;
    std::uint64_t purged : 1;
};

/** All but the ranges. A new file's zeros are a new region, to which nothing need be written. */
struct Head {
    std::uint64_t size;
    std::uint64_t clock;   ///< UNPINs so far, which unpin_seqs are taken from
    std::uint32_t removed; ///< rights that the mask lacks
    std::uint32_t mapped;  ///< ever, after which name and size stay
    char name[ASHMEM_NAME_LEN];
    char exchange[ASHMEM_NAME_LEN]; ///< what a call takes from its caller's memory, or puts there
    std::uint32_t count;
    std::uint32_t padding;

    [[nodiscard]] std::uint32_t mask() const noexcept {
        constexpr std::uint32_t all_rights = PROT_READ | PROT_WRITE | PROT_EXEC;
        return all_rights & ~removed;
    }
};

struct State : Head {
    Range ranges[max_ranges]; ///< by place, none touching another's pages
};

/** Where the state lies, in bytes: data ends before it, whatever its size. */
inline constexpr off_t state_at = off_t{1} << 62;

/** The size of a region's file, which nothing else has. Another layout needs another size. */
inline constexpr off_t file_size = state_at + static_cast<off_t>(sizeof(State));

/** Make a region, opened with flags of open(); its descriptor or -1 with errno. */
[[nodiscard]] int create(int flags) noexcept;

/**
 * Whether a descriptor is of such a region, by what the kernel says of it now. Leaves errno
 * as it is. No for one opened with O_PATH, on which nothing works.
 */
[[nodiscard]] bool is_emulated(int fd) noexcept;

/** Open a region's file anew, by its descriptor. */
[[nodiscard]] int reopen(int fd, int flags) noexcept;

/** Read a region's state as it is at the moment; false with errno if that can't be. */
[[nodiscard]] bool look(int fd, Head& head) noexcept;

} // namespace ashmem::preload

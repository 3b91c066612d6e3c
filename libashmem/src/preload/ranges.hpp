// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Unpinned ranges, with the driver's rules: Documentation/differences.md has them.
 */
#pragma once

#include <cstdint>
#include <span>

#include "state.hpp"

namespace ashmem::preload {

/** Unpin pages: 0 or an errno. */
[[nodiscard]] int unpin(State& state, std::uint64_t first, std::uint64_t last) noexcept;
/** Pin pages: ASHMEM_WAS_PURGED or ASHMEM_NOT_PURGED, or an errno as a negative number. */
[[nodiscard]] int pin(State& state, std::uint64_t first, std::uint64_t last) noexcept;
/** Whether any of these pages is unpinned. */
[[nodiscard]] bool any_unpinned(const State& state, std::uint64_t first,
                                std::uint64_t last) noexcept;

/** A range that a purge would drop. */
struct Place {
    std::uint64_t unpin_seq;
    std::uint32_t at; ///< in State::ranges
};
/** The ranges that are not purged, the one unpinned longest ago first; how many they are. */
[[nodiscard]] std::uint32_t not_purged(const State& state,
                                       std::span<Place, max_ranges> places) noexcept;
/** Pages that a purge of all would drop. */
[[nodiscard]] std::uint64_t purgeable(const State& state) noexcept;

} // namespace ashmem::preload

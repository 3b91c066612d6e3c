// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What libbinder, beyond the kernel's header, agrees upon with its peers.
 */
#pragma once

#include <linux/android/binder.h>

#include <cstdint>

namespace ashmem::binder::protocol {

/** The least priority that an object is served with, as libbinder's default. */
inline constexpr std::uint32_t object_flags = 0x13;
/** "SYST": the partition that a caller of an interface belongs to. */
inline constexpr std::int32_t system_header = 0x53595354;
/** Who may call an object, which follows it since Android 11. */
inline constexpr std::int32_t stability_none = 0, stability_system = 12;

consteval std::uint32_t code(char a, char b, char c, char d) {
    return static_cast<std::uint32_t>(a) << 24 | static_cast<std::uint32_t>(b) << 16 |
           static_cast<std::uint32_t>(c) << 8 | static_cast<std::uint32_t>(d);
}

/** Calls that every object answers. */
inline constexpr std::uint32_t ping = code('_', 'P', 'N', 'G'),
                               interface = code('_', 'N', 'T', 'F');
/** Said by newer kernels instead of BR_TRANSACTION_COMPLETE, if the callee is frozen. */
inline constexpr std::uint32_t complete_frozen = _IO('r', 20);

/** The first method of an interface. */
inline constexpr std::uint32_t first_call = 1;

/** Whether a command tells how it went with a transaction or a reply of this thread's. */
[[nodiscard]] constexpr bool is_response(std::uint32_t command) noexcept {
    switch (command) {
        case BR_TRANSACTION_COMPLETE:
        case complete_frozen:
        case BR_DEAD_REPLY:
        case BR_FAILED_REPLY:
        case BR_FROZEN_REPLY:
        case BR_REPLY:
            return true;
        default:
            return false;
    }
}

} // namespace ashmem::binder::protocol

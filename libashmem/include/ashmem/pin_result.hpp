// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ashmem {

/** What happened to a range while it was unpinned. */
enum class PinResult : int {
    not_purged = 0, ///< its contents are unchanged
    was_purged = 1, ///< some or all of it was dropped and reads as zeros
};

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Waits for a socket, no longer than until a time.
 */
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <system_error>

#include "error.hpp"

namespace ashmem {

/** A time to give up; nothing: never. */
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/**
 * Wait until a descriptor is ready for `events`, or has something to tell of its end.
 *
 * @return ETIMEDOUT; the errno of poll(), EINTR excepted
 */
[[nodiscard]] inline std::error_code wait_for(int fd, short events,
                                              const Deadline& until) noexcept {
    using std::chrono::milliseconds;
    pollfd asked{fd, events, 0};
    for (;;) {
        int timeout = -1;
        if (until) {
            const auto now = std::chrono::steady_clock::now();
            if (now >= *until) return to_code(ETIMEDOUT);
            // up, or the last millisecond would be spent asking
            const auto left = std::chrono::ceil<milliseconds>(*until - now).count();
            timeout = static_cast<int>(
                std::min<milliseconds::rep>(left, std::numeric_limits<int>::max()));
        }
        const int ready = ::poll(&asked, 1, timeout);
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return to_code(errno);
    }
}

} // namespace ashmem

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Numbers that the kernel prints about a descriptor in /proc.
 */
#pragma once

#include <cstdint>

namespace ashmem {

/** find_number() on the fdinfo of a descriptor of this thread. Leaves errno as it is. */
[[nodiscard]] bool fdinfo_number(int fd, const char* key, std::uint64_t& value) noexcept;

} // namespace ashmem

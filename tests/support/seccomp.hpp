// SPDX-License-Identifier: Apache-2.0
// Forbids this process system calls, as a sandbox does.
#pragma once

#include <cstdint>

namespace test {

// From now on, and for good, a call whose second argument has all of these bits answers
// with an errno; without bits, every such call. Numbers are of this program's own word size.
void refuse_call(long number, int error, std::uint32_t bits = 0);

// The same for a call whose second argument is this; it ends the process.
void forbid_call(long number, std::uint32_t argument);

} // namespace test

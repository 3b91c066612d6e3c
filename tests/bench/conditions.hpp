// SPDX-License-Identifier: Apache-2.0
// Where the program runs, as its options tell it.
#pragma once

namespace bench {

struct Conditions {
    bool device = true;    // there is a driver; if not, its figures are left out
    bool original = false; // it is the one that Linux carried until 5.17
    bool counted = false;  // the clock counts instructions
};

// set by main before any question
inline Conditions conditions; // NOLINT(misc-use-internal-linkage)

inline const char* clock_unit() {
    return conditions.counted ? "instructions" : "ns";
}

} // namespace bench

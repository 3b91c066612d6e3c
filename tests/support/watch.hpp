// SPDX-License-Identifier: Apache-2.0
// The order in which pieces of regions are purged, watched while it happens.
#pragma once

#include <functional>
#include <vector>

#include "support/held.hpp"

namespace test {

// Pages that are purged as one lot, from the lower end up.
struct Piece {
    const Held* held;
    std::size_t first, count;

    [[nodiscard]] bool wholly_gone() const { return !(*held)[first + count - 1]; }
    // Reclaim that finds the next lot's region busy takes a little of a younger one: it
    // may, so only more than half of one counts.
    [[nodiscard]] bool half_gone() const { return !(*held)[first + count / 2]; }
};

// The order of pieces, as a purge showed it.
struct Seen {
    // each was wholly gone while more than half of the next was still there
    bool kept;
    // the first that outlived half of the next one, from 1 up; 0 if none did
    std::size_t outlived;
};

// Runs something that purges, and looks at the pieces until it has ended. If two pieces go
// between one look and the next, their order is unknown: then try again.
Seen watch(const std::vector<Piece>& pieces, const std::function<void()>& purge);

} // namespace test

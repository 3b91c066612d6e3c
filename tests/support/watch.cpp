// SPDX-License-Identifier: Apache-2.0
// Looks at the pieces of regions in turn while another thread purges them.
#include "support/watch.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace test {

Seen watch(const std::vector<Piece>& pieces, const std::function<void()>& purge) {
    std::vector<bool> seen(pieces.size() - 1, false);
    std::size_t outlived = 0;
    std::atomic<bool> ended{false};
    std::thread purger([&] {
        purge();
        ended = true;
    });
    while (!ended) {
        for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
            // two looks are not simultaneous: look at the older piece before and after
            const bool older_gone = pieces[i].wholly_gone();
            const bool younger_gone = pieces[i + 1].half_gone();
            if (older_gone && !younger_gone) seen[i] = true;
            if (!outlived && younger_gone && !pieces[i].wholly_gone()) outlived = i + 1;
        }
        std::this_thread::yield();
    }
    purger.join();
    const bool all = std::all_of(seen.begin(), seen.end(), [](bool pair) { return pair; });
    return {all && !outlived, outlived};
}

} // namespace test

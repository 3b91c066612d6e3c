// SPDX-License-Identifier: Apache-2.0
// A region that held data when it was narrowed to READ, with a writable map from before and a
// map from after.
#pragma once

#include <stdexcept>

#include "support/region.hpp"

namespace test {

struct Narrowed {
    Narrowed()
        : region(Region::of_pages(4)), writer(region.map_pages(4)), reader(narrow_and_map()) {}
    // whether nobody changed the data
    [[nodiscard]] bool intact() const { return writer.holds(0xda); }
    Region region;
    Map writer;
    Map reader;

private:
    Map narrow_and_map() const {
        writer.fill(0xda);
        if (region.set_mask(PROT_READ) != 0) throw std::runtime_error("SET_PROT_MASK");
        return region.map_pages(4, PROT_READ);
    }
};

} // namespace test

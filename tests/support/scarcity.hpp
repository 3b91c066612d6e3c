// SPDX-License-Identifier: Apache-2.0
// Memory that runs out at a moment of the test's choice.
#pragma once

namespace test {

// As long as this lives, this thread's operator new works so many times, and then throws.
class Scarcity {
public:
    explicit Scarcity(int allocations);
    Scarcity(const Scarcity&) = delete;
    Scarcity& operator=(const Scarcity&) = delete;
    ~Scarcity();
};

} // namespace test

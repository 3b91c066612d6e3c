// SPDX-License-Identifier: Apache-2.0
// Makes one allocation, or one copy from or to user memory, of a system call fail: the
// kernel's fail-nth (Documentation/fault-injection), which the debug kernel has.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "support/region.hpp"

namespace test {

// Lets every kind of allocation fail, without a line in the log for each.
void allow_faults();
// From now on only in calls from code at these addresses, or from this function of the kernel's;
// and none in calls from that one.
void allow_faults_below(std::uint64_t first, std::uint64_t end);
void allow_faults_below(const std::string& function);
void forbid_faults_below(const std::string& function);

// The point of a call, counted from 1, at which the kernel fails it.
class Fault {
public:
    explicit Fault(int point);
    Fault(const Fault&) = delete;
    Fault& operator=(const Fault&) = delete;
    ~Fault() { ::close(file_); }

    // the call's outcome
    template <typename Call>
    long in(Call call) {
        arm();
        const long answer = outcome(call());
        disarm();
        return answer;
    }
    // whether the call came to that point
    [[nodiscard]] bool hit() const { return hit_; }

private:
    void arm() const;
    void disarm();

    int file_;
    int point_;
    bool hit_ = false;
};

// Attempts the same again with the next point failing, until the call has no more. Returns
// the number of points.
template <typename Attempt>
int sweep(Attempt attempt) {
    allow_faults();
    for (int point = 1; point < 10'000; ++point) {
        Fault fault(point);
        attempt(fault);
        if (!fault.hit()) return point - 1;
    }
    throw std::runtime_error("a call has no end of points that may fail");
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// One process of a program: makes the calls and reports their outcomes.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

#include "step.hpp"

namespace differential {

struct Answer {
    std::int64_t value = 0; // what the call answered, or -errno
    std::string text;       // what else was seen, as text that is the same in every run
};

class Actor {
public:
    // others: the process of each actor, for take
    Answer act(const Step& step, const std::array<pid_t, most_actors>& others);

private:
    struct Map {
        unsigned char* data = nullptr;
        std::size_t length = 0;
    };

    Answer descriptor_call(const Step& step, const std::array<pid_t, most_actors>& others);
    Answer attribute_call(const Step& step);
    Answer map_call(const Step& step);
    Answer memory_call(const Step& step);
    Answer file_call(const Step& step);
    Answer look();

    std::array<Map, most_maps> maps_;
};

} // namespace differential

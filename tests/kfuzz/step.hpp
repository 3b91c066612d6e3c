// SPDX-License-Identifier: Apache-2.0
// A program: steps of several actors, which run at the same time. As text, a step is a line
//     ACTOR CALL REGION A B C
// with hexadecimal numbers; what A, B and C mean depends on the call.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kfuzz {

// Actors 0 to 2 are threads of one process, actor 3 is another process.
inline constexpr int most_actors = 4;
inline constexpr int other_process = 3;

// Region 0 is the actor's own. The others are shared by all.
inline constexpr int most_regions = 3;

inline constexpr std::size_t most_steps = 48;

enum class Call : std::uint8_t {
    open, // A: flags
    close,
    dup,     // a second descriptor, to the other shared region or instead of the first
    pass,    // to the other process
    take,    // from the other process, as this region
    setname, // A: kind of name
    getname, // A: 1 for a bad pointer
    setsize, // A: bytes
    getsize,
    setmask, // A: PROT_* bits
    getmask,
    mmap,     // A: prot, and 8 private, 16 noreserve, 32 populate; B: bytes; C: map, and
              // the offset in pages above bit 8
    munmap,   // A: map
    mprotect, // A: map; B: prot
    store,    // A: map; B: first page; C: pages
    load,     // the same
    madvise,  // A: map; B: advice
    read,     // A: bytes
    pread,    // A: bytes; B: offset
    write,    // A: bytes
    lseek,    // A: offset; B: whence
    pin,      // A: offset; B: bytes; C: 1 for a bad pointer
    unpin,    // the same
    status,   // the same
    purge,
    fileid, // A: 1 for a bad pointer
    fdinfo,
    fork,    // A: how many of the actor's next steps the child does
    limit,   // A: memory.max in MiB
    high,    // A: memory.high in MiB
    reclaim, // A: memory.reclaim in MiB
    press,   // A: pages of anonymous memory, touched and given back
    drop,    // drop_caches
    pause,   // A: microseconds
};

inline constexpr int calls = static_cast<int>(Call::pause) + 1;

struct Step {
    int actor = 0;
    Call call = Call::pause;
    int region = 0;
    std::array<std::uint64_t, 3> values{};
};

using Program = std::vector<Step>;

std::string_view name_of(Call call);
// In one line: a crash must leave the program in the log, and a line is one write.
std::string to_text(const Program& program);
// Steps end with a line or a semicolon. Lines that are no steps are left out, and of
// "run 17: ..." what is before the first step.
Program parse(std::string_view text);

} // namespace kfuzz

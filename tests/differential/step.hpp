// SPDX-License-Identifier: Apache-2.0
// A program is a list of steps; a step is one call, made by one of its processes.
//
// As text a step is a line: process, call, numbers. Sizes and offsets are in
// bytes, so that a program means the same wherever pages have the same size.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace differential {

inline constexpr int most_actors = 4; // processes
inline constexpr int most_slots = 4;  // descriptors that a process names
inline constexpr int most_maps = 4;   // maps that a process names

enum class Call : std::uint8_t {
    open,      // slot, flags
    close,     // slot
    dup,       // slot, new slot
    reopen,    // slot, new slot, flags: by its path in /proc
    take,      // slot of another, new slot, process: as if passed by a socket
    fork,      // new process
    exit,      //
    drop,      // all capabilities
    setname,   // slot, kind of name
    getname,   // slot, kind of buffer
    setsize,   // slot, bytes
    getsize,   // slot
    setmask,   // slot, mask
    getmask,   // slot
    pin,       // slot, offset, length
    unpin,     // slot, offset, length
    status,    // slot, offset, length
    badpin,    // slot, which of the three, kind of pointer
    purge,     // slot
    ioctl,     // slot, number, argument
    mmap,      // slot, map, length, prot, flags, offset
    munmap,    // map, offset, length
    mprotect,  // map, prot
    mremap,    // map, length
    madvise,   // map, offset, length, advice
    msync,     // map, flags
    store,     // map, offset, length, byte
    load,      // map, offset, length
    poke,      // map, offset, byte: by /proc/self/mem
    maps,      // map: what /proc/self/maps says of it
    read,      // slot, length, kind of buffer
    pread,     // slot, length, offset, whether to restore the position
    write,     // slot, length
    lseek,     // slot, offset, whence
    ftruncate, // slot, bytes
    fallocate, // slot, mode, offset, length
    fsync,     // slot
    fstat,     // slot
    poll,      // slot
    fcntl,     // slot, command, argument
    flock,     // slot, operation
    fdinfo,    // slot: position and flags
    look,      // all that can be seen from this process, at a program's end
};

inline constexpr std::size_t most_arguments = 6;

struct Step {
    int actor = 0;
    Call call = Call::look;
    std::array<std::int64_t, most_arguments> arguments{};
};

using Program = std::vector<Step>;

std::string_view name_of(Call call);
std::string to_text(const Step& step);
// nothing if the line is no step
std::optional<Step> parse(const std::string& line);

// the program of a seed; the same on every machine with these pages
Program generate(std::uint64_t seed);

} // namespace differential

// SPDX-License-Identifier: Apache-2.0
// Which places of the driver a thread ran through, by the kernel's KCOV. The driver has to
// be built for it, and nothing else may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace kfuzz {

// Places in the driver, as distances from its first instruction, which are the same in
// every guest.
using Places = std::set<std::uint64_t>;

// A buffer for one thread at a time, which may belong to a forked child.
class Kcov {
public:
    Kcov();
    Kcov(const Kcov&) = delete;
    Kcov& operator=(const Kcov&) = delete;
    ~Kcov();

    // by the thread itself; it ends with the thread at the latest
    void begin() const;
    void end() const;

    void empty() const;
    void add_to(Places& places) const;

private:
    int fd_;
    std::uint64_t start_; // of the driver
    std::uint64_t* buffer_;
};

} // namespace kfuzz

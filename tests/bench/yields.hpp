// SPDX-License-Identifier: Apache-2.0
// Memory that a process offers to a kernel that is short of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "costs/memory.hpp"

namespace bench::yields {

inline constexpr std::size_t entry_size = std::size_t{1} << 20;
inline constexpr std::size_t entries = 48, in_use = 16; // the first ones are in use

// A cache of entries, each page of which begins with a mark.
class Cache {
public:
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;
    virtual ~Cache() = default;

    // Fills all entries, and offers those that are not in use.
    void fill_and_offer();

    // Pages that are gone, by entry, without touching any.
    [[nodiscard]] std::vector<std::size_t> gone() const;
    // Takes an entry back. Whether the interface itself says that some of it was lost.
    virtual bool take_back(std::size_t entry) = 0;
    // Pages of an entry that read as zero; looking brings them back.
    [[nodiscard]] std::size_t unmarked(std::size_t entry) const;

protected:
    explicit Cache(test::Map map) : map_(std::move(map)) {}
    virtual void offer(std::size_t entry) = 0;
    [[nodiscard]] void* at(std::size_t entry) const {
        return static_cast<char*>(map_.address()) + entry * entry_size;
    }

private:
    test::Map map_;
};

struct Named {
    const char* subject;
    // by the folder of the memory cgroup that the process is in
    std::unique_ptr<Cache> (*make)(const std::string& group);
};

// Those that this kernel has.
std::vector<Named> caches();

} // namespace bench::yields

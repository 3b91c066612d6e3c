// SPDX-License-Identifier: Apache-2.0
// What libashmem-preload.so keeps of a region behind its data, read and written past the
// library, as another process of the region can.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "../../libashmem/src/preload/state.hpp"
#include "support/region.hpp"

namespace test {

using ashmem::preload::Head;
using ashmem::preload::Range;

class StoredState {
public:
    explicit StoredState(const Region& region) : fd_(region.fd()) {}

    [[nodiscard]] Head head() const {
        Head head{};
        if (syscall(SYS_pread64, fd_, &head, sizeof(head), ashmem::preload::state_at) !=
            ssize_t{sizeof(head)})
            throw std::runtime_error("a state can't be read");
        return head;
    }
    void set_head(const Head& head) const { write(&head, sizeof(head), 0); }

    // unpinned ranges, by place
    void set_ranges(const std::vector<Range>& ranges) const {
        write(ranges.data(), ranges.size() * sizeof(Range), sizeof(Head));
        set_count(static_cast<std::uint32_t>(ranges.size()));
    }
    void set_count(std::uint32_t count) const {
        Head changed = head();
        changed.count = count;
        set_head(changed);
    }

private:
    void write(const void* bytes, std::size_t size, std::size_t at) const {
        if (syscall(SYS_pwrite64, fd_, bytes, size,
                    ashmem::preload::state_at + static_cast<off_t>(at)) !=
            static_cast<ssize_t>(size))
            throw std::runtime_error("a state can't be written");
    }

    int fd_;
};

} // namespace test

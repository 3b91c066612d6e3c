// SPDX-License-Identifier: Apache-2.0
// Memory that processes share, of each kind that Linux has.
#pragma once

#include <cstddef>
#include <vector>

namespace bench {

enum class Kind { ashmem, memfd, shm_open, shmget };

const char* subject(Kind kind);
// all of them; without ashmem where there is no driver
std::vector<Kind> kinds();
// those that are a file
std::vector<Kind> file_kinds();

// Memory with a name and a size, from its making to its end. Every call that the kernel
// refuses throws.
class SharedMemory {
public:
    SharedMemory(Kind kind, std::size_t size);
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    ~SharedMemory();

    // its descriptor; for shmget its number
    [[nodiscard]] int id() const { return id_; }
    // where the kernel likes, or in place of what is at an address
    void* map(void* at = nullptr) const;
    void unmap(void* address) const;

private:
    Kind kind_;
    int id_;
    std::size_t size_;
};

} // namespace bench

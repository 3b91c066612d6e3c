// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An emulated region: one memfd, whose pages beyond the data hold what the driver
 * would know of it. Whoever has a descriptor of it, by fork, exec, dup or a socket,
 * has all of it.
 *
 * Nothing in this folder throws or allocates, but for the walk of purge.cpp.
 */
#pragma once

#include <linux/ashmem.h>
#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace ashmem::preload {

/** The limit of separate unpinned ranges in a region, as in the driver. */
inline constexpr std::uint32_t max_ranges = 131072;

/** Unpinned pages, both ends included. Layout shared with programs of any word size. */
struct Range {
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t unpin_seq : 63;
    std::uint64_t purged : 1;
};

struct State {
    std::uint64_t magic;
    std::uint64_t size;
    std::uint64_t clock; ///< UNPINs so far, which unpin_seqs are taken from
    std::uint32_t mask;
    std::uint32_t mapped; ///< ever, after which name and size stay
    char name[ASHMEM_NAME_LEN];
    std::uint32_t count;
    std::uint32_t padding;
    Range ranges[max_ranges]; ///< by place, none touching another's pages
};

/** Where the state lies, in bytes: data ends before it, whatever its size. */
inline constexpr off_t state_at = off_t{1} << 62;

/** Make a region; its descriptor or -1 with errno. */
[[nodiscard]] int create(int flags) noexcept;

/** Whether a descriptor is of such a region. Leaves errno as it is. */
[[nodiscard]] bool is_emulated(int fd) noexcept;

/** Open a region's file anew, by its descriptor. */
[[nodiscard]] int reopen(int fd, int flags) noexcept;

/**
 * A region's state, locked against all other holders for as long as this lives. A
 * holder who is killed lets go of it. Signals wait meanwhile: their handlers may ask
 * for the same lock.
 */
class Locked {
public:
    explicit Locked(int fd) noexcept;
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked();

    /** False with errno if the state can't be reached: without /proc, or descriptors. */
    explicit operator bool() const noexcept { return state_ != nullptr; }
    State* operator->() const noexcept { return state_; }
    State& operator*() const noexcept { return *state_; }
    /** Take the state out of this process's addresses; the lock stays. */
    void leave() noexcept;
    /** Have the state again; false with errno. */
    [[nodiscard]] bool enter() noexcept;
    /** The lock's own descriptor, open for reading and writing whatever the caller's is. */
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    sigset_t before_;
    int fd_;
    State* state_ = nullptr;
};

} // namespace ashmem::preload

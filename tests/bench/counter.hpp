// SPDX-License-Identifier: Apache-2.0
// A number in shared memory, for which threads and processes wait.
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace bench {

// It only grows. Who waits sleeps in a futex, since there are more threads than processors;
// who adds makes a system call only if somebody sleeps.
class Counter {
public:
    void add() {
        value_.fetch_add(1);
        if (sleepers_.load() > 0) futex(FUTEX_WAKE, INT_MAX, nullptr);
    }
    [[nodiscard]] std::uint32_t value() const { return value_.load(); }

    // Returns once it is this or more; numbers may wrap.
    void wait_for(std::uint32_t least) {
        if (reached(least, value())) return;
        ++sleepers_;
        for (std::uint32_t seen = value(); !reached(least, seen); seen = value()) {
            const timespec limit{60, 0};
            if (futex(FUTEX_WAIT, seen, &limit) != 0 && errno == ETIMEDOUT)
                throw std::runtime_error("the other side of a measurement is gone");
        }
        --sleepers_;
    }

private:
    static bool reached(std::uint32_t least, std::uint32_t value) {
        return static_cast<std::int32_t>(value - least) >= 0;
    }
    long futex(int operation, std::uint32_t number, const timespec* limit) {
        return syscall(SYS_futex, &value_, operation, number, limit, nullptr, 0);
    }

    alignas(64) std::atomic<std::uint32_t> value_{0};
    std::atomic<std::uint32_t> sleepers_{0};
};

// An object in memory that children share with their parent.
template <typename T>
class Shared {
public:
    Shared()
        : memory_(
              mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (memory_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        new (memory_) T;
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { munmap(memory_, sizeof(T)); }
    T* operator->() const { return static_cast<T*>(memory_); }
    T& operator*() const { return *operator->(); }

private:
    void* memory_;
};

} // namespace bench

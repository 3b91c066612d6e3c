// SPDX-License-Identifier: Apache-2.0
// A number for each generation of fork(). A remembered pid would cost a system call each
// time, and is no proof: a child in a pid namespace of its own may have its parent's.
#include "generation.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "../cxx/error.hpp"

namespace ashmem::binder {
namespace {

using Number = std::atomic<std::uint32_t>;

// never unmapped, for threads may ask until the program ends
std::atomic<Number*> page{nullptr};

// a child goes on counting where its parent was
Number last{0};

} // namespace

std::uint32_t generation() noexcept {
    Number* const here = page.load(std::memory_order_acquire);
    if (here == nullptr) return 0;
    std::uint32_t mine = here->load(std::memory_order_relaxed);
    if (mine != 0) return mine;
    const std::uint32_t next = ++last;
    // of several threads that find it wiped, the first is right
    return here->compare_exchange_strong(mine, next) ? next : mine;
}

void prepare_generation(std::error_code& ec) noexcept {
    ec.clear();
    if (page.load(std::memory_order_acquire) != nullptr) return;
    const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const made =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        ec = to_code(errno);
        return;
    }
    if (::madvise(made, size, MADV_WIPEONFORK) != 0) {
        ec = to_code(errno);
        ::munmap(made, size);
        return;
    }
    Number* none = nullptr;
    if (!page.compare_exchange_strong(none, ::new (made) Number(0))) ::munmap(made, size);
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#include "support/ring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "support/region.hpp"

namespace test {

Ring::Ring() : fd_(static_cast<int>(syscall(SYS_io_uring_setup, 1, &params_))) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "io_uring_setup");
    rings_size_ = std::max(params_.sq_off.array + params_.sq_entries * sizeof(unsigned),
                           params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe));
    rings_ = static_cast<unsigned char*>(shared(rings_size_, IORING_OFF_SQ_RING));
    requests_ = static_cast<io_uring_sqe*>(
        shared(params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
}

Ring::~Ring() {
    munmap(requests_, params_.sq_entries * sizeof(io_uring_sqe));
    munmap(rings_, rings_size_);
    close(fd_);
}

void* Ring::shared(std::size_t length, off_t which) const {
    void* map = mmap(nullptr, length, rw, MAP_SHARED | MAP_POPULATE, fd_, which);
    if (map == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return map;
}

unsigned& Ring::field(unsigned offset) const {
    return *reinterpret_cast<unsigned*>(rings_ + offset);
}

long Ring::read(int fd, const iovec& into) {
    const unsigned tail = field(params_.sq_off.tail);
    const unsigned slot = tail & field(params_.sq_off.ring_mask);
    requests_[slot] = {};
    requests_[slot].opcode = IORING_OP_READV;
    requests_[slot].fd = fd;
    requests_[slot].addr = reinterpret_cast<std::uintptr_t>(&into);
    requests_[slot].len = 1;
    field(params_.sq_off.array + slot * sizeof(unsigned)) = slot;
    __atomic_store_n(&field(params_.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
    const long taken = outcome(
        syscall(SYS_io_uring_enter, fd_, 1, 1, IORING_ENTER_GETEVENTS, nullptr, std::size_t{0}));
    if (taken != 1) return taken;
    const unsigned head = field(params_.cq_off.head);
    const auto* done = reinterpret_cast<io_uring_cqe*>(rings_ + params_.cq_off.cqes);
    const long answer = done[head & field(params_.cq_off.ring_mask)].res;
    __atomic_store_n(&field(params_.cq_off.head), head + 1, __ATOMIC_RELEASE);
    return answer;
}

long Ring::register_buffer(const iovec& memory) {
    return outcome(syscall(SYS_io_uring_register, fd_, IORING_REGISTER_BUFFERS, &memory, 1));
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// io_uring by direct system calls, one request at a time.
#pragma once

#include <linux/io_uring.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace test {

class Ring {
public:
    Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();

    // Reads from a file into memory. Returns the count of bytes or -errno.
    long read(int fd, const iovec& into);
    // Registers memory as a buffer of the ring. Returns 0 or -errno.
    long register_buffer(const iovec& memory);

private:
    void* shared(std::size_t length, off_t which) const;
    unsigned& field(unsigned offset) const;

    io_uring_params params_{};
    int fd_;
    unsigned char* rings_ = nullptr;
    std::size_t rings_size_ = 0;
    io_uring_sqe* requests_ = nullptr;
};

} // namespace test

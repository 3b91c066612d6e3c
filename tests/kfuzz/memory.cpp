// SPDX-License-Identifier: Apache-2.0
// The kernel copies to and from this process's own memory, and answers EFAULT for what
// cannot be touched.
#include "kfuzz/memory.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace kfuzz {

long store(unsigned char* to, std::uint64_t bytes) {
    const iovec ours{&bytes, sizeof bytes}, theirs{to, sizeof bytes};
    const auto ret = process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0);
    return ret < 0 ? -errno : 0;
}

long load(const unsigned char* from, std::uint64_t& bytes) {
    const iovec ours{&bytes, sizeof bytes}, theirs{const_cast<unsigned char*>(from), sizeof bytes};
    const auto ret = process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0);
    return ret < 0 ? -errno : 0;
}

} // namespace kfuzz

// SPDX-License-Identifier: Apache-2.0
// The calls that load and unload modules, which libc does not have.
#include "module.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "region.hpp"

namespace test {

long load(const char* file, const char* parameters) {
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    const long ret = outcome(syscall(SYS_finit_module, fd, parameters, 0));
    close(fd);
    return ret;
}

long unload(const char* name) {
    return outcome(syscall(SYS_delete_module, name, O_NONBLOCK));
}

long unload_soon() {
    long ret = -EAGAIN;
    for (int i = 0; i < 100 && ret == -EAGAIN; ++i) {
        ret = unload();
        if (ret == -EAGAIN) usleep(20000);
    }
    return ret;
}

} // namespace test

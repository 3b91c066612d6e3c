// SPDX-License-Identifier: Apache-2.0
// Calls on files that are no regions, and a region's life by the node's path: for two runs,
// one of them with libashmem-preload.so.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ashmem/unique_fd.hpp>

#include "rows.hpp"

namespace costs::library {
namespace {

using ashmem::unique_fd;

unique_fd owned(int fd, const char* what) {
    return unique_fd(static_cast<int>(must(fd, what)));
}

int sized_memfd() {
    const int fd = static_cast<int>(must(memfd_create("costs", MFD_CLOEXEC), "memfd_create"));
    must(ftruncate(fd, 4096), "ftruncate");
    return fd;
}

} // namespace

void ask_calls() {
    const auto zero = owned(open("/dev/zero", O_RDONLY | O_CLOEXEC), "open");
    const auto memfd = owned(sized_memfd(), "memfd_create");
    std::array<int, 2> ends{};
    must(pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const unique_fd from(ends[0]), to(ends[1]);
    char byte = 0;
    struct stat status {};
    int waiting = 0;

    call("read of /dev/zero", [&] { must(read(zero.get(), &byte, 1), "read"); });
    call("pread of a memfd", [&] { must(pread(memfd.get(), &byte, 1, 0), "pread"); });
    call("write and read of a pipe", [&] {
        must(write(to.get(), &byte, 1), "write");
        must(read(from.get(), &byte, 1), "read");
    });
    call("lseek", [&] { must(lseek(memfd.get(), 0, SEEK_SET), "lseek"); });
    call("fstat", [&] { must(fstat(memfd.get(), &status), "fstat"); });
    call("ioctl FIONREAD", [&] { must(ioctl(from.get(), FIONREAD, &waiting), "ioctl"); });
    call("dup and close", [&] { close(static_cast<int>(must(dup(memfd.get()), "dup"))); });
    call("a memfd made, sized, closed", [] { close(sized_memfd()); });
    if (const unique_fd region(open("/dev/ashmem", O_RDWR | O_CLOEXEC)); region.ok())
        call("a region opened, closed",
             [] { close(static_cast<int>(must(open("/dev/ashmem", O_RDWR), "open"))); });
}

} // namespace costs::library

// SPDX-License-Identifier: Apache-2.0
// The kernel writes the number of entries and then the entries; see the kernel's
// Documentation/dev-tools/kcov.rst.
#include "kfuzz/coverage.hpp"

#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include "support/process.hpp"

namespace kfuzz {
namespace {

constexpr std::size_t entries = 1U << 14;

void must(bool well, const char* what) {
    if (!well) throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

Kcov::Kcov()
    : fd_(open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC)),
      start_(std::stoull(test::read_file("/sys/module/ashmem/sections/.text"), nullptr, 16)) {
    must(fd_ >= 0, "/sys/kernel/debug/kcov");
    must(ioctl(fd_, KCOV_INIT_TRACE, entries) == 0, "KCOV_INIT_TRACE");
    void* area =
        mmap(nullptr, entries * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    must(area != MAP_FAILED, "mmap of kcov");
    buffer_ = static_cast<std::uint64_t*>(area);
}

Kcov::~Kcov() {
    munmap(buffer_, entries * sizeof(std::uint64_t));
    close(fd_);
}

void Kcov::begin() const {
    must(ioctl(fd_, KCOV_ENABLE, KCOV_TRACE_PC) == 0, "KCOV_ENABLE");
}

void Kcov::end() const {
    must(ioctl(fd_, KCOV_DISABLE, 0) == 0, "KCOV_DISABLE");
}

void Kcov::empty() const {
    std::atomic_ref(*buffer_).store(0);
}

void Kcov::add_to(Places& places) const {
    const auto count = std::min<std::uint64_t>(std::atomic_ref(*buffer_).load(), entries - 1);
    for (std::uint64_t i = 1; i <= count; ++i)
        places.insert(buffer_[i] - start_);
}

} // namespace kfuzz

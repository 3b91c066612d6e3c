// SPDX-License-Identifier: Apache-2.0
// MemoryHeapBase: a heap that is a region, a memfd, or another device's memory.
#include <binder/MemoryHeapBase.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "../backend/backend.hpp"
#include "../posix.hpp"

namespace android {
namespace {

namespace backend = ashmem::backend;
using ashmem::close_keeping_errno;
using ashmem::in_pages;

constexpr char default_name[] = "MemoryHeapBase";

int create_memfd(const char* name, std::size_t size) noexcept {
    const int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(size)) == 0) return fd;
    close_keeping_errno(fd);
    return -1;
}

/** The seals that Android gives a heap's memfd, which bind later maps only. */
bool seal(int fd, std::uint32_t flags) noexcept {
    int seals = F_SEAL_GROW | F_SEAL_SHRINK;
    if ((flags & MemoryHeapBase::READ_ONLY) != 0) seals |= F_SEAL_FUTURE_WRITE;
    if ((flags & MemoryHeapBase::MEMFD_ALLOW_SEALING) != MemoryHeapBase::MEMFD_ALLOW_SEALING)
        seals |= F_SEAL_SEAL;
    return ::fcntl(fd, F_ADD_SEALS, seals) == 0;
}

} // namespace

MemoryHeapBase::MemoryHeapBase(std::size_t size, std::uint32_t flags, const char* name)
    : flags_(flags) {
    size_ = in_pages(size);
    if (name == nullptr) name = default_name;
    const bool memfd = (flags & FORCE_MEMFD) != 0;
    const int fd = memfd ? create_memfd(name, size_) : backend::create(name, size_);
    if (!map(fd, PROT_READ | PROT_WRITE)) return;
    // Only now: the owner's map is made for writing.
    const bool narrowed =
        memfd ? seal(fd, flags)
              : (flags & READ_ONLY) == 0 ||
                    backend::call<&backend::Ops::set_protection>(fd, PROT_READ) == 0;
    if (narrowed) return;
    dispose();
    base_ = MAP_FAILED;
}

MemoryHeapBase::MemoryHeapBase(const char* device, std::size_t size, std::uint32_t flags)
    : flags_(flags), device_(device) {
    if ((flags & FORCE_MEMFD) != 0) {
        errno = EINVAL;
        base_ = MAP_FAILED;
        return;
    }
    const int extra = (flags & NO_CACHING) != 0 ? O_SYNC : 0;
    const int fd = ::open(device, O_RDWR | O_CLOEXEC | extra);
    adopt(fd, size, flags, 0);
}

MemoryHeapBase::MemoryHeapBase(int fd, std::size_t size, std::uint32_t flags, off_t offset) {
    adopt(::fcntl(fd, F_DUPFD_CLOEXEC, 0), size, flags, offset);
}

MemoryHeapBase::~MemoryHeapBase() {
    dispose();
}

/** Own a descriptor of something that exists; size 0 means what it has. */
void MemoryHeapBase::adopt(int fd, std::size_t size, std::uint32_t flags, off_t offset) {
    flags_ = flags;
    offset_ = offset;
    if (fd >= 0 && size == 0) {
        // A region tells its size by its own call: fstat() says 0.
        std::int64_t whole = backend::call<&backend::Ops::size>(fd);
        struct stat status {};
        if (whole < 0) {
            (void)::fstat(fd, &status);
            whole = status.st_size;
        }
        if (whole > offset) size = static_cast<std::size_t>(whole - offset);
    }
    size_ = in_pages(size);
    map(fd, (flags & READ_ONLY) != 0 ? PROT_READ : PROT_READ | PROT_WRITE);
}

/** Map, and own, a descriptor, -1 among them; what cannot be mapped is closed. */
bool MemoryHeapBase::map(int fd, int rights) {
    void* base = fd < 0 ? MAP_FAILED : nullptr;
    if (fd >= 0 && (flags_ & DONT_MAP_LOCALLY) == 0) {
        base = ::mmap(nullptr, size_, rights, MAP_SHARED, fd, offset_);
        if (base == MAP_FAILED) close_keeping_errno(fd);
    }
    base_ = base;
    if (base == MAP_FAILED) return false;
    mapped_ = base != nullptr;
    fd_ = fd;
    return true;
}

status_t MemoryHeapBase::init(int fd, void* base, std::size_t size, std::uint32_t flags,
                              const char* device) {
    int none = -1;
    if (!fd_.compare_exchange_strong(none, fd)) return INVALID_OPERATION;
    base_ = base;
    size_ = size;
    flags_ = flags;
    device_ = device;
    return NO_ERROR;
}

int MemoryHeapBase::getHeapID() const {
    return fd_;
}
void* MemoryHeapBase::getBase() const {
    return base_;
}
std::size_t MemoryHeapBase::getSize() const {
    return size_;
}
std::uint32_t MemoryHeapBase::getFlags() const {
    return flags_;
}
off_t MemoryHeapBase::getOffset() const {
    return offset_;
}
const char* MemoryHeapBase::getDevice() const {
    return device_;
}

void MemoryHeapBase::dispose() {
    const int fd = fd_.exchange(-1);
    if (fd < 0) return;
    void* const base = base_.exchange(nullptr);
    if (mapped_) ::munmap(base, size_);
    close_keeping_errno(fd);
}

} // namespace android

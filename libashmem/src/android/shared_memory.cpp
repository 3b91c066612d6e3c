// SPDX-License-Identifier: Apache-2.0
// Android's SharedMemory, on a Region.
#include <ashmem/shared_memory.hpp>

#include <fcntl.h>

#include <utility>

#include "../cxx/error.hpp"

namespace ashmem {

SharedMemory SharedMemory::create(std::string_view name, int size, std::error_code& ec) noexcept {
    if (size <= 0) {
        ec = to_code(EINVAL);
        return {};
    }
    Region region = Region::create(name, static_cast<std::size_t>(size), ec);
    return ec ? SharedMemory() : SharedMemory(std::move(region), size);
}

SharedMemory SharedMemory::create(std::string_view name, int size) {
    return throwing("ashmem::SharedMemory::create",
                    [&](auto& ec) { return create(name, size, ec); });
}

SharedMemory SharedMemory::fromFileDescriptor(unique_fd fd, std::error_code& ec) noexcept {
    Region region = Region::adopt(std::move(fd), ec);
    const std::size_t size = ec ? 0 : region.size(ec);
    if (ec || size == 0 || !std::in_range<int>(size)) {
        ec = to_code(EINVAL);
        return {};
    }
    return {std::move(region), static_cast<int>(size)};
}

SharedMemory SharedMemory::fromFileDescriptor(unique_fd fd) {
    return throwing("ashmem::SharedMemory::fromFileDescriptor",
                    [&](auto& ec) { return fromFileDescriptor(std::move(fd), ec); });
}

bool SharedMemory::setProtect(Prot prot, std::error_code& ec) noexcept {
    ec.clear();
    if (!region_.ok()) {
        ec = to_code(EBADF);
    } else if ((static_cast<int>(prot) & ~static_cast<int>(Prot::all)) != 0) {
        ec = to_code(EINVAL);
    } else {
        std::error_code refused;
        region_.set_protection(prot, refused);
        return !refused;
    }
    return false;
}

bool SharedMemory::setProtect(Prot prot) {
    return throwing("ashmem::SharedMemory::setProtect",
                    [&](auto& ec) { return setProtect(prot, ec); });
}

Mapping SharedMemory::map(Prot prot, int offset, int length, std::error_code& ec) const noexcept {
    if (!region_.ok()) {
        ec = to_code(EBADF);
        return {};
    }
    // that it ends within the region is checked by Region::map()
    if (offset < 0 || length <= 0) {
        ec = to_code(EINVAL);
        return {};
    }
    return region_.map(prot, static_cast<std::size_t>(offset), static_cast<std::size_t>(length),
                       ec);
}

Mapping SharedMemory::map(Prot prot, int offset, int length) const {
    return throwing("ashmem::SharedMemory::map",
                    [&](auto& ec) { return map(prot, offset, length, ec); });
}

Mapping SharedMemory::mapReadWrite() const {
    return map(Prot::read_write, 0, getSize());
}

Mapping SharedMemory::mapReadOnly() const {
    return map(Prot::read, 0, getSize());
}

int SharedMemory::getSize(std::error_code& ec) const noexcept {
    ec = region_.ok() ? std::error_code() : to_code(EBADF);
    return ec ? 0 : size_;
}

int SharedMemory::getSize() const {
    return throwing("ashmem::SharedMemory::getSize", [&](auto& ec) { return getSize(ec); });
}

unique_fd SharedMemory::getFdDup(std::error_code& ec) const noexcept {
    unique_fd copy(::fcntl(region_.fd(), F_DUPFD_CLOEXEC, 0));
    ec = code_of(copy.get());
    return copy;
}

unique_fd SharedMemory::getFdDup() const {
    return throwing("ashmem::SharedMemory::getFdDup", [&](auto& ec) { return getFdDup(ec); });
}

void SharedMemory::close() noexcept {
    region_ = Region();
    size_ = 0;
}

} // namespace ashmem

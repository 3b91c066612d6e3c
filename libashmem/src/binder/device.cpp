// SPDX-License-Identifier: Apache-2.0
// The device that a Process opened, with the only ioctl() of this library.
#include "device.hpp"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/ioctl.h>

#include "../cxx/error.hpp"
#include "../generation.hpp"

namespace ashmem::binder {

std::shared_ptr<Device> Device::open(const std::string& path, std::error_code& ec) {
    ec.clear();
    if (!generation::prepare()) {
        ec = to_code(errno);
        return nullptr;
    }
    unique_fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd.ok()) {
        ec = to_code(errno);
        return nullptr;
    }
    auto device = std::make_shared<Device>(std::move(fd), generation::current());
    binder_version version{};
    if (const int error = device->control(BINDER_VERSION, &version)) {
        ec = to_code(error);
        return nullptr;
    }
    if (version.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION) {
        ec = to_code(EPROTO);
        return nullptr;
    }
    return device;
}

bool Device::inherited() const noexcept {
    return opened_by_ != generation::current();
}

int Device::control(unsigned long request, void* argument) const noexcept {
    if (inherited()) return ENOTCONN;
    return ::ioctl(fd_.get(), request, argument) < 0 ? errno : 0;
}

std::error_code Device::unblock(int change) {
    // it is the parent's open file, and another thread of that may have held the lock
    if (inherited()) return {};
    const std::scoped_lock guard(unblocked_lock_);
    unblocked_ += change;
    // a flag of the open file, so of all threads
    return code_of(::fcntl(fd_.get(), F_SETFL, unblocked_ > 0 ? O_NONBLOCK : 0));
}

} // namespace ashmem::binder

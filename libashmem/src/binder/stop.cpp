// SPDX-License-Identifier: Apache-2.0
// Stop: an eventfd for poll(), and a descriptor whose close makes the driver's waits return.
#include "stop.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "../cxx/error.hpp"
#include "../posix.hpp"

namespace ashmem::binder {

Stop::Stop(int device, std::error_code& ec) noexcept
    : event_(::eventfd(0, EFD_CLOEXEC)),
      // made now, for there may be no room for it later
      spare_(event_.ok() ? ::fcntl(device, F_DUPFD_CLOEXEC, 0) : -1) {
    ec = spare_ < 0 ? to_code(errno) : std::error_code();
}

Stop::~Stop() {
    if (spare_ >= 0) ::close(spare_);
}

void Stop::raise() noexcept {
    // first, so that it is raised() when threads return
    const int last = spare_.exchange(-1);
    if (last < 0) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
    close_keeping_errno(last);
}

} // namespace ashmem::binder

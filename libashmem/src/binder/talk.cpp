// SPDX-License-Identifier: Apache-2.0
#include "talk.hpp"

#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "../error.hpp"

namespace ashmem::binder {
namespace {

// The driver hands out whole commands, of which the longest has some 80 bytes.
constexpr std::size_t most_heard = 1024;

} // namespace

void Talk::append(const void* from, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(from);
    out_.insert(out_.end(), bytes, bytes + size);
}

void Talk::say(std::uint32_t command) {
    append(&command, sizeof(command));
}

/**
 * One BINDER_WRITE_READ: 0 or an errno; what was taken is said, whatever the answer.
 * What the driver refuses is said no more: it points at what its caller is to drop.
 */
int Talk::exchange(std::span<std::byte> into, std::size_t& got) noexcept {
    binder_write_read both{};
    both.write_size = out_.size();
    both.write_buffer = reinterpret_cast<std::uintptr_t>(out_.data());
    both.read_size = into.size();
    both.read_buffer = reinterpret_cast<std::uintptr_t>(into.data());
    const int error = ::ioctl(device_, BINDER_WRITE_READ, &both) < 0 ? errno : 0;
    const bool refused = error != 0 && error != EINTR && error != EAGAIN;
    out_.erase(out_.begin(), refused
                                 ? out_.end()
                                 : out_.begin() + static_cast<std::ptrdiff_t>(both.write_consumed));
    got = static_cast<std::size_t>(both.read_consumed);
    return error;
}

std::error_code Talk::flush() noexcept {
    while (!out_.empty()) {
        std::size_t none = 0;
        const int error = exchange({}, none);
        if (error != 0 && error != EINTR) return to_code(error);
    }
    return {};
}

/** Wait for the driver; false if it is time to stop. */
bool Talk::wait(int timeout, bool stoppable, std::error_code& ec) noexcept {
    pollfd wanted[] = {{device_, POLLIN, 0}, {stop_, POLLIN, 0}};
    for (;;) {
        const int ready = ::poll(wanted, stoppable ? 2 : 1, timeout);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) ec = to_code(errno);
        if ((wanted[0].revents & POLLIN) == 0 && (wanted[0].revents & (POLLERR | POLLHUP)) != 0)
            ec = to_code(EIO);
        return ready > 0 && !ec && wanted[1].revents == 0;
    }
}

std::optional<Talk::Heard> Talk::hear(int timeout, bool stoppable, std::error_code& ec) {
    ec.clear();
    while (at_ == in_.size()) {
        std::size_t got = 0;
        in_.resize(most_heard);
        const int error = exchange(in_, got);
        in_.resize(got);
        at_ = 0;
        if (error == EAGAIN && got == 0) {
            if (!wait(timeout, stoppable, ec)) return {};
        } else if (error != 0 && error != EINTR && error != EAGAIN) {
            ec = to_code(error);
            return {};
        }
    }
    // the driver's own words, whole ones
    const auto command = body_as<std::uint32_t>(std::span(in_).subspan(at_, sizeof(std::uint32_t)));
    const auto body =
        std::span<const std::byte>(in_).subspan(at_ + sizeof(command), _IOC_SIZE(command));
    at_ += sizeof(command) + body.size();
    return Heard{command, body};
}

} // namespace ashmem::binder

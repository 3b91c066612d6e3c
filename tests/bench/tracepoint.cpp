// SPDX-License-Identifier: Apache-2.0
// Counts tracepoints by perf_event_open(), which needs no hardware for that.
#include "tracepoint.hpp"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "costs/measure.hpp"
#include "support/process.hpp"

namespace bench {

using costs::must;

std::optional<Tracepoint> Tracepoint::find(const std::string& name, const std::string& filter) {
    const std::string id = test::read_file("/sys/kernel/tracing/events/" + name + "/id");
    if (id.empty()) return std::nullopt;
    perf_event_attr event{};
    event.type = PERF_TYPE_TRACEPOINT;
    event.size = sizeof(event);
    event.config = std::stoull(id);
    event.disabled = 1;
    event.inherit = 1;
    const long fd =
        must(syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC), name.c_str());
    Tracepoint found(static_cast<int>(fd));
    must(ioctl(found.fd_, PERF_EVENT_IOC_SET_FILTER, filter.c_str()), filter.c_str());
    return found;
}

Tracepoint::Tracepoint(Tracepoint&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Tracepoint::~Tracepoint() {
    if (fd_ >= 0) close(fd_);
}

void Tracepoint::start() const {
    must(ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0), "PERF_EVENT_IOC_ENABLE");
}

void Tracepoint::stop() const {
    must(ioctl(fd_, PERF_EVENT_IOC_DISABLE, 0), "PERF_EVENT_IOC_DISABLE");
}

std::uint64_t Tracepoint::count() const {
    std::uint64_t count = 0;
    must(read(fd_, &count, sizeof(count)), "read of a counter");
    return count;
}

} // namespace bench

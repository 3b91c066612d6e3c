// SPDX-License-Identifier: Apache-2.0
// A Process: the open device and its map, its context manager, the threads that serve.
#include "process.hpp"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "../cxx/error.hpp"

namespace ashmem::binder {
namespace {

// What all messages that wait to be read may take together; as libbinder's.
constexpr std::size_t map_size = std::size_t{1} << 20;

} // namespace

Process::Impl::~Impl() {
    if (map != MAP_FAILED) ::munmap(map, size);
}

Process::Process(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Process::~Process() = default;

std::shared_ptr<Process> Process::open(const std::string& device, std::error_code& ec) {
    unique_fd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    binder_version version{};
    if (!fd.ok() || ::ioctl(fd.get(), BINDER_VERSION, &version) < 0) {
        ec = to_code(errno);
        return nullptr;
    }
    if (version.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION) {
        ec = to_code(EPROTO);
        return nullptr;
    }
    unique_fd stop(::eventfd(0, EFD_CLOEXEC));
    if (!stop.ok()) {
        ec = to_code(errno);
        return nullptr;
    }
    auto impl = std::make_unique<Impl>(std::move(fd), std::move(stop));
    impl->map =
        ::mmap(nullptr, map_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, impl->device.get(), 0);
    if (impl->map == MAP_FAILED) {
        ec = to_code(errno);
        return nullptr;
    }
    impl->size = map_size;
    ec.clear();
    return std::shared_ptr<Process>(new Process(std::move(impl)));
}

std::shared_ptr<Process> Process::open(const std::string& device) {
    return throwing("binder::Process::open", [&](auto& ec) { return open(device, ec); });
}

void Process::become_context_manager(std::shared_ptr<Object> object) {
    constexpr char what[] = "binder::Process::become_context_manager";
    const std::scoped_lock guard(impl_->remotes_lock);
    if (impl_->context) throw std::system_error(to_code(EBUSY), what);
    // calls may come at once
    impl_->context.swap(object);
    std::int32_t unused = 0;
    if (::ioctl(impl_->device.get(), BINDER_SET_CONTEXT_MGR, &unused) == 0) return;
    const int error = errno;
    impl_->context.swap(object);
    throw std::system_error(to_code(error), what);
}

void Process::serve(std::chrono::milliseconds idle) {
    using std::chrono::milliseconds;
    constexpr milliseconds max_timeout(std::numeric_limits<int>::max());
    int timeout = -1;
    if (idle != milliseconds::max())
        timeout = static_cast<int>(std::clamp(idle, milliseconds(0), max_timeout).count());
    throwing("binder::Process::serve",
             [&](auto& ec) { ThreadState::self(*this).serve(timeout, ec); });
}

void Process::stop() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(impl_->stop.get(), &one, sizeof(one));
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// A Process: the open device and its map, its context manager, the threads that serve.
#include "process.hpp"

#include <linux/android/binder.h>
#include <sys/mman.h>

#include <algorithm>
#include <limits>

#include "../cxx/error.hpp"

namespace ashmem::binder {
namespace {

// What all messages that wait to be read may take together; as libbinder's.
constexpr std::size_t map_size = std::size_t{1} << 20;

} // namespace

Process::Impl::~Impl() {
    // the kernel gives a child no such map: what lies there is another one, or nothing
    if (map != MAP_FAILED && !device->inherited()) ::munmap(map, size);
}

Process::Process(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Process::~Process() = default;

std::shared_ptr<Process> Process::open(const std::string& device, std::error_code& ec) {
    auto opened = Device::open(device, ec);
    if (!opened) return nullptr;
    auto impl = std::make_unique<Impl>(std::move(opened), ec);
    if (ec) return nullptr;
    impl->map =
        ::mmap(nullptr, map_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, impl->device->fd(), 0);
    if (impl->map == MAP_FAILED) {
        ec = to_code(errno);
        return nullptr;
    }
    impl->size = map_size;
    std::shared_ptr<Process> process(new Process(std::move(impl)));
    // the driver knows this thread from now on
    (void)ThreadState::self(*process, ec);
    return process;
}

std::shared_ptr<Process> Process::open(const std::string& device) {
    return throwing("binder::Process::open", [&](auto& ec) { return open(device, ec); });
}

void Process::become_context_manager(std::shared_ptr<Object> object, std::error_code& ec) {
    if (!ThreadState::self(*this, ec)) return;
    const std::scoped_lock guard(impl_->remotes_lock);
    if (impl_->context) {
        ec = to_code(EBUSY);
        return;
    }
    // calls may come at once
    impl_->context.swap(object);
    std::int32_t unused = 0;
    ec = to_code(impl_->device->control(BINDER_SET_CONTEXT_MGR, &unused));
    if (ec) impl_->context.swap(object);
}

void Process::become_context_manager(std::shared_ptr<Object> object) {
    throwing("binder::Process::become_context_manager",
             [&](auto& ec) { become_context_manager(std::move(object), ec); });
}

void Process::serve(std::chrono::milliseconds idle, std::error_code& ec) {
    using std::chrono::milliseconds;
    constexpr milliseconds max_timeout(std::numeric_limits<int>::max());
    int timeout = -1;
    if (idle != milliseconds::max())
        timeout = static_cast<int>(std::clamp(idle, milliseconds(0), max_timeout).count());
    if (const auto self = ThreadState::self(*this, ec)) self->serve(timeout, ec);
}

void Process::serve(std::chrono::milliseconds idle) {
    throwing("binder::Process::serve", [&](auto& ec) { serve(idle, ec); });
}

void Process::stop() noexcept {
    // a child shares the sign with its parent, which goes on
    if (!impl_->device->inherited()) impl_->stop.raise();
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <fcntl.h>
#include <linux/android/binder.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "../error.hpp"

namespace ashmem::binder {
namespace {

// What all messages that wait to be read may take together; as libbinder's.
constexpr std::size_t map_size = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what, std::error_code ec) {
    throw std::system_error(ec, what);
}

} // namespace

Process::Impl::~Impl() {
    ::munmap(map, size);
}

Talk& Process::Impl::talk() {
    const std::scoped_lock guard(threads_lock);
    return threads.try_emplace(std::this_thread::get_id(), device.get(), stop.get()).first->second;
}

std::span<const std::byte> Process::Impl::mapped(std::uint64_t address,
                                                 std::uint64_t length) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(map);
    if (address < begin || address - begin > size || length > size - (address - begin)) return {};
    return {reinterpret_cast<const std::byte*>(static_cast<std::uintptr_t>(address)),
            static_cast<std::size_t>(length)};
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
    void* const map =
        ::mmap(nullptr, map_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd.get(), 0);
    if (!stop.ok() || map == MAP_FAILED) {
        ec = to_code(errno);
        return nullptr;
    }
    ec.clear();
    return std::shared_ptr<Process>(
        new Process(std::make_unique<Impl>(std::move(fd), std::move(stop), map, map_size)));
}

std::shared_ptr<Process> Process::open(const std::string& device) {
    return throwing("binder::Process::open", [&](auto& ec) { return open(device, ec); });
}

void Process::become_context_manager(std::shared_ptr<Object> object) {
    impl_->context = std::move(object);
    std::int32_t unused = 0;
    if (::ioctl(impl_->device.get(), BINDER_SET_CONTEXT_MGR, &unused) < 0)
        fail("binder::Process::become_context_manager", to_code(errno));
}

std::shared_ptr<Remote> Process::context_manager() {
    return remote(0);
}

/** The one Remote of a handle. */
std::shared_ptr<Remote> Process::remote(std::uint32_t handle) {
    const std::scoped_lock guard(impl_->remotes_lock);
    auto& known = impl_->remotes[handle];
    if (auto there = known.lock()) return there;
    Talk talk(impl_->device.get(), -1);
    talk.say(BC_ACQUIRE, handle);
    if (auto ec = talk.flush()) fail("binder::Process", ec);
    std::shared_ptr<Remote> made(new Remote(shared_from_this(), handle, ++impl_->last_remote));
    known = made;
    return made;
}

void Process::forget(const Remote& remote) noexcept {
    Impl::Death death; // whatever it holds ends without the lock
    const std::scoped_lock guard(impl_->remotes_lock);
    Talk talk(impl_->device.get(), -1);
    if (const auto found = impl_->deaths.extract(remote.number_)) {
        std::swap(death, found.mapped());
        talk.say(BC_CLEAR_DEATH_NOTIFICATION, binder_handle_cookie{remote.handle_, remote.number_});
    }
    talk.say(BC_RELEASE, remote.handle_);
    (void)talk.flush();
    const auto known = impl_->remotes.find(remote.handle_);
    // there may be a newer one
    if (known != impl_->remotes.end() && known->second.expired()) impl_->remotes.erase(known);
}

Remote::~Remote() {
    process_->forget(*this);
}

void Remote::on_death(const std::function<void()>& then) {
    auto& impl = *process_->impl_;
    bool happened = false;
    {
        const std::scoped_lock guard(impl.remotes_lock);
        const auto [found, first] = impl.deaths.try_emplace(number_);
        happened = found->second.happened;
        if (!happened) found->second.then.push_back(then);
        if (first) {
            Talk talk(impl.device.get(), -1);
            talk.say(BC_REQUEST_DEATH_NOTIFICATION, binder_handle_cookie{handle_, number_});
            if (auto ec = talk.flush()) fail("binder::Remote::on_death", ec);
        }
    }
    if (happened) then();
}

Message Remote::call(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    return process_->call(handle_, code, in, false, ec);
}

Message Remote::call(std::uint32_t code, const Parcel& in) {
    return throwing("binder::Remote::call", [&](auto& ec) { return call(code, in, ec); });
}

void Remote::call_one_way(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    (void)process_->call(handle_, code, in, true, ec);
}

void Process::serve(std::chrono::milliseconds quiet) {
    using std::chrono::milliseconds;
    constexpr milliseconds longest(std::numeric_limits<int>::max());
    const int timeout = quiet == milliseconds::max()
                            ? -1
                            : static_cast<int>(std::clamp(quiet, milliseconds(0), longest).count());
    Talk& talk = impl_->talk();
    talk.say(BC_ENTER_LOOPER);
    std::error_code ec;
    while (const auto heard = talk.hear(timeout, true, ec))
        handle(heard->command, heard->body);
    if (ec) fail("binder::Process::serve", ec);
}

void Process::stop() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(impl_->stop.get(), &one, sizeof(one));
}

} // namespace ashmem::binder

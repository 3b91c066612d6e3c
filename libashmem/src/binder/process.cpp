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
    if (map != MAP_FAILED) ::munmap(map, size);
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
    if (impl_->context) fail(what, to_code(EBUSY));
    // calls may come at once
    impl_->context.swap(object);
    std::int32_t unused = 0;
    if (::ioctl(impl_->device.get(), BINDER_SET_CONTEXT_MGR, &unused) == 0) return;
    const int error = errno;
    impl_->context.swap(object);
    fail(what, to_code(error));
}

std::shared_ptr<Remote> Process::context_manager() {
    return remote(0);
}

/** The one Remote of a handle. */
std::shared_ptr<Remote> Process::remote(std::uint32_t handle) {
    // these end without the lock
    Impl::Death death;
    std::shared_ptr<Remote> made;
    const std::scoped_lock guard(impl_->remotes_lock);
    auto& known = impl_->remotes[handle];
    if (auto there = known.remote.lock()) return there;
    made.reset(new Remote(shared_from_this(), handle, ++impl_->last_remote));
    Talk talk(impl_->device.get(), -1);
    talk.say(BC_ACQUIRE, handle);
    // the one before is about to end, and a handle has one notice of death at a time
    if (known.number != 0) death = impl_->release(talk, handle, known.number);
    known = {made, made->number_};
    if (auto ec = talk.flush()) fail("binder::Process", ec);
    return made;
}

/** Tell the driver that a Remote is no more; what was to be done at its death. */
Process::Impl::Death Process::Impl::release(Talk& talk, std::uint32_t handle,
                                            std::uint64_t number) {
    Death death;
    if (const auto found = deaths.extract(number)) {
        std::swap(death, found.mapped());
        talk.say(BC_CLEAR_DEATH_NOTIFICATION, binder_handle_cookie{handle, number});
    }
    talk.say(BC_RELEASE, handle);
    return death;
}

void Process::forget(const Remote& remote) noexcept {
    Impl::Death death; // ends without the lock
    const std::scoped_lock guard(impl_->remotes_lock);
    const auto known = impl_->remotes.find(remote.handle_);
    // a newer one has let go for it
    if (known == impl_->remotes.end() || known->second.number != remote.number_) return;
    Talk talk(impl_->device.get(), -1);
    death = impl_->release(talk, remote.handle_, remote.number_);
    (void)talk.flush();
    impl_->remotes.erase(known);
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
        if (first) {
            Talk talk(impl.device.get(), -1);
            talk.say(BC_REQUEST_DEATH_NOTIFICATION, binder_handle_cookie{handle_, number_});
            if (auto ec = talk.flush()) {
                impl.deaths.erase(found);
                fail("binder::Remote::on_death", ec);
            }
        }
        happened = found->second.happened;
        // last, for a copy that fails must not leave a notice that was never asked for
        if (!happened) found->second.then.push_back(then);
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

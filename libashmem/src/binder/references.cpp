// SPDX-License-Identifier: Apache-2.0
// The remote objects that a Process holds: one Remote for each handle, and their deaths.
// References are given back at once: another process may wait for its object to end.
#include <ashmem/binder/remote.hpp>

#include "../cxx/error.hpp"
#include "process.hpp"

namespace ashmem::binder {

std::shared_ptr<Remote> Process::context_manager(std::error_code& ec) {
    return remote(0, ec);
}

std::shared_ptr<Remote> Process::context_manager() {
    return throwing("binder::Process::context_manager",
                    [&](auto& ec) { return context_manager(ec); });
}

std::shared_ptr<Remote> Process::remote(std::uint32_t handle, std::error_code& ec) {
    const auto self = ThreadState::self(*this, ec);
    if (!self) return nullptr;
    // these end without the lock
    Impl::Death death;
    std::shared_ptr<Remote> made;
    const std::scoped_lock guard(impl_->remotes_lock);
    const auto place = impl_->remotes.try_emplace(handle).first;
    Impl::Known& known = place->second;
    if (auto there = known.remote.lock()) return there;
    made.reset(new Remote(shared_from_this(), handle, ++impl_->last_remote));
    Commands& out = self->out();
    out.write(BC_ACQUIRE, handle);
    ec = out.flush();
    if (ec) {
        if (known.number == 0) impl_->remotes.erase(place);
        return nullptr;
    }
    // the one before is about to end, and a handle has one notice of death at a time
    if (known.number != 0) {
        death = impl_->release(out, handle, known.number);
        (void)out.flush();
    }
    known = {made, made->number_};
    return made;
}

void Process::forget(const Remote& remote) noexcept {
    // another thread of the parent may have held the lock when this one forked
    if (impl_->device->inherited()) return;
    Impl::Death death; // ends without the lock
    const std::scoped_lock guard(impl_->remotes_lock);
    const auto known = impl_->remotes.find(remote.handle_);
    // a newer Remote of the handle has released this one
    if (known == impl_->remotes.end() || known->second.number != remote.number_) return;
    {
        Visit visit(*this);
        death = impl_->release(visit.out(), remote.handle_, remote.number_);
    }
    impl_->remotes.erase(known);
}

Process::Impl::Death Process::Impl::release(Commands& out, std::uint32_t handle,
                                            std::uint64_t number) noexcept {
    Death death;
    if (const auto found = deaths.extract(number)) {
        std::swap(death, found.mapped());
        out.write(BC_CLEAR_DEATH_NOTIFICATION, binder_handle_cookie{handle, number});
    }
    out.write(BC_RELEASE, handle);
    return death;
}

Process::Impl::Recipients Process::Impl::note_death(std::uint64_t number) {
    const std::scoped_lock guard(remotes_lock);
    const auto found = deaths.find(number);
    if (found == deaths.end()) return {};
    found->second.happened = true;
    return std::exchange(found->second.recipients, {});
}

Remote::~Remote() {
    process_->forget(*this);
}

void Remote::link_to_death(const std::function<void()>& recipient, std::error_code& ec) {
    const auto self = ThreadState::self(*process_, ec);
    if (!self) return;
    auto& impl = *process_->impl_;
    bool happened = false;
    {
        const std::scoped_lock guard(impl.remotes_lock);
        const auto [found, first] = impl.deaths.try_emplace(number_);
        if (first) {
            self->out().write(BC_REQUEST_DEATH_NOTIFICATION,
                              binder_handle_cookie{handle_, number_});
            ec = self->out().flush();
            if (ec) {
                impl.deaths.erase(found);
                return;
            }
        }
        happened = found->second.happened;
        // last, for a copy that fails must not leave a notice that was never asked for
        if (!happened) found->second.recipients.push_back(recipient);
    }
    if (happened) recipient();
}

void Remote::link_to_death(const std::function<void()>& recipient) {
    throwing("binder::Remote::link_to_death", [&](auto& ec) { link_to_death(recipient, ec); });
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// What each thread has of each Process that it used. The driver keeps a record of every
// thread that asks it for anything; BINDER_THREAD_EXIT ends it when the thread ends.
#include "thread_state.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "../cxx/error.hpp"
#include "process.hpp"

namespace ashmem::binder {
namespace {

// These have no destructors, so they can be read as long as the thread runs.
enum class Life { none, running, ended };
thread_local Life life = Life::none; ///< of this thread's ThreadStates
thread_local ThreadState* last_late = nullptr;

class ThreadStates {
public:
    ThreadStates() { life = Life::running; }
    ThreadStates(const ThreadStates&) = delete;
    ThreadStates& operator=(const ThreadStates&) = delete;
    ~ThreadStates() { life = Life::ended; }

    [[nodiscard]] std::shared_ptr<ThreadState> find(const Device& device) const noexcept {
        const auto found =
            std::ranges::find_if(all_, [&](const auto& one) { return one->is_for(device); });
        return found == all_.end() ? nullptr : *found;
    }

    void add(const std::shared_ptr<ThreadState>& state) {
        std::erase_if(all_, [](const auto& one) { return one->outlived(); });
        all_.push_back(state);
    }

private:
    std::vector<std::shared_ptr<ThreadState>> all_;
};

/** Those of this thread; not to be asked for once they have ended. */
ThreadStates& states() {
    static thread_local ThreadStates of_this_thread;
    return of_this_thread;
}

} // namespace

ThreadState::ThreadState(Process& process)
    : process_(process),
      device_(process.impl_->device),
      address_(process.impl_->device.get()),
      out_(*address_) {
    // as many as one read can bring
    released_.reserve(in_.size() / (sizeof(std::uint32_t) + sizeof(binder_ptr_cookie)));
}

ThreadState::~ThreadState() {
    // whatever was read has been executed: see finish()
    if (last_late == this) last_late = outer_late_;
    // what the Process has closed knows no threads any more
    const auto open = device_.lock();
    if (!open || open->inherited()) return;
    (void)out_.flush();
    (void)open->control(BINDER_THREAD_EXIT, nullptr);
}

std::shared_ptr<ThreadState> ThreadState::self(Process& process, std::error_code& ec) {
    if (process.impl_->device->inherited()) {
        ec = to_code(ENOTCONN);
        return nullptr;
    }
    ec.clear();
    if (auto there = existing(process)) return there;
    auto made = std::make_shared<ThreadState>(process);
    if (life != Life::ended)
        states().add(made);
    else
        // calls within a late one must find it: the first to end would end the others
        made->outer_late_ = std::exchange(last_late, made.get());
    return made;
}

std::shared_ptr<ThreadState> ThreadState::existing(const Process& process) noexcept {
    const Device& device = *process.impl_->device;
    if (life == Life::running) return states().find(device);
    for (ThreadState* late = last_late; late != nullptr; late = late->outer_late_)
        if (late->is_for(device)) return late->shared_from_this();
    return nullptr;
}

bool ThreadState::free_later(std::uint64_t address, bool small) noexcept {
    if (!replying_ && !(small && out_.empty())) return false;
    out_.write(BC_FREE_BUFFER, binder_uintptr_t{address});
    return true;
}

Visit::Visit(Process& process) noexcept
    : device_(*process.impl_->device), own_(ThreadState::existing(process)) {
    if (!own_) passing_.emplace(device_);
}

Visit::~Visit() {
    (void)out().flush();
    if (!own_) (void)device_.control(BINDER_THREAD_EXIT, nullptr);
}

Commands& Visit::out() noexcept {
    return own_ ? own_->out() : *passing_;
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "process.hpp"

namespace ashmem::binder {
namespace {

// Numbers rather than addresses stand for objects: an address may be another one's soon.
std::atomic<std::uint64_t> last_number{0};

} // namespace

Object::Object() noexcept : number_(++last_number) {}
Object::~Object() = default;

void Objects::publish(const std::shared_ptr<Object>& object) {
    const std::scoped_lock guard(lock_);
    // who went out once and was never held is forgotten at the next occasion
    std::erase_if(all_, [](const auto& one) { return one.second.object.expired(); });
    all_[object->number()].object = object;
}

void Objects::hold(std::uint64_t number) {
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    if (++found->second.holds > 0) found->second.held = found->second.object.lock();
}

void Objects::let_go(std::uint64_t number) {
    std::shared_ptr<Object> last; // ends, if it does, without the lock
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    // two threads may hear of a hold and of its end in the other order
    if (--found->second.holds <= 0) last = std::move(found->second.held);
}

std::shared_ptr<Object> Objects::find(std::uint64_t number) {
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    return found == all_.end() ? nullptr : found->second.object.lock();
}

} // namespace ashmem::binder

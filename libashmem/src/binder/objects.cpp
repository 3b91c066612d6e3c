// SPDX-License-Identifier: Apache-2.0
// Objects of this process that went out, by the numbers that the driver sends back.
#include "process.hpp"

#include <atomic>

namespace ashmem::binder {
namespace {

// Numbers rather than addresses stand for objects: an address may be another one's soon.
std::atomic<std::uint64_t> last_number{0};

} // namespace

Object::Object() noexcept : number_(++last_number) {}
Object::~Object() = default;

void Objects::publish(const std::shared_ptr<Object>& object) {
    const std::scoped_lock guard(lock_);
    // objects that ended, acquired or not, are forgotten here
    sweep_(all_, [](const auto& one) { return one.second.object.expired(); });
    all_[object->number()].object = object;
}

void Objects::acquire(std::uint64_t number) {
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    if (++found->second.acquires > 0) found->second.acquired = found->second.object.lock();
}

void Objects::release(std::uint64_t number) {
    std::shared_ptr<Object> last; // destroyed without the lock
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    // two threads may read a release before the acquire that it belongs to
    if (--found->second.acquires <= 0) last = std::move(found->second.acquired);
}

std::shared_ptr<Object> Objects::find(std::uint64_t number) {
    const std::scoped_lock guard(lock_);
    const auto found = all_.find(number);
    return found == all_.end() ? nullptr : found->second.object.lock();
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Objects of this process that went out, by the numbers that the driver sends back.
 */
#pragma once

#include <ashmem/binder/object.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "sweep.hpp"

namespace ashmem::binder {

/** Thread-safe. No object ends under the lock. */
class Objects {
public:
    /** Register an object that is sent; its parcel keeps it alive until acquire(). */
    void publish(const std::shared_ptr<Object>& object) {
        const std::scoped_lock guard(lock_);
        // objects that ended, acquired or not, are forgotten here
        sweep_(all_, [](const auto& one) { return one.second.object.expired(); });
        all_[object->number()].object = object;
    }

    /** BR_ACQUIRE: keep an object alive while other processes hold it. */
    void acquire(std::uint64_t number) {
        const std::scoped_lock guard(lock_);
        const auto found = all_.find(number);
        if (found == all_.end()) return;
        if (++found->second.acquires > 0) found->second.acquired = found->second.object.lock();
    }

    /** BR_RELEASE. @return the object if no other process holds it now */
    [[nodiscard]] std::shared_ptr<Object> release(std::uint64_t number) {
        const std::scoped_lock guard(lock_);
        const auto found = all_.find(number);
        // Of two threads, one may execute a release after the next acquire, or before the
        // one that it belongs to.
        if (found == all_.end() || --found->second.acquires > 0) return nullptr;
        return std::move(found->second.acquired);
    }

    [[nodiscard]] std::shared_ptr<Object> find(std::uint64_t number) {
        const std::scoped_lock guard(lock_);
        const auto found = all_.find(number);
        return found == all_.end() ? nullptr : found->second.object.lock();
    }

private:
    struct Entry {
        std::weak_ptr<Object> object;
        std::shared_ptr<Object> acquired; ///< while there are more acquires than releases
        int acquires = 0;
    };
    std::mutex lock_;
    std::map<std::uint64_t, Entry> all_;
    Sweep sweep_;
};

} // namespace ashmem::binder

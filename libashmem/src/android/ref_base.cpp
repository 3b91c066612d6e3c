// SPDX-License-Identifier: Apache-2.0
// RefBase: the strong reference count of libbinder's memory classes.

#include <utils/RefBase.h>

namespace android {

RefBase::RefBase() = default;
RefBase::~RefBase() = default;
void RefBase::onFirstRef() {}

void RefBase::incStrong(const void*) const {
    if (count_.fetch_add(1, std::memory_order_relaxed) == 0)
        const_cast<RefBase*>(this)->onFirstRef();
}

void RefBase::decStrong(const void*) const {
    // What others did with the object comes before its end.
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

std::int32_t RefBase::getStrongCount() const {
    return count_.load(std::memory_order_relaxed);
}

} // namespace android

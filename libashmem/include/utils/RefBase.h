/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Android's counted objects, without weak references: sources that use wp<> do not build.
 */
#pragma once

#include <utils/StrongPointer.h>

#include <ashmem/api.hpp>
#include <atomic>
#include <cstdint>

namespace android {

/**
 * Counts the sp<> that hold it and deletes itself with the last one. An object
 * that no sp<> ever held is deleted by hand.
 */
class ASHMEM_API RefBase {
public:
    RefBase(const RefBase&) = delete;
    RefBase& operator=(const RefBase&) = delete;

    void incStrong(const void* id) const;
    void decStrong(const void* id) const;
    /** For tests and messages: it may have changed before it is read. */
    [[nodiscard]] std::int32_t getStrongCount() const;

protected:
    RefBase();
    virtual ~RefBase();
    /** Called when the first sp<> takes the object. */
    virtual void onFirstRef();

private:
    mutable std::atomic<std::int32_t> count_{0};
};

} // namespace android

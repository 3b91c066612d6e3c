// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <ashmem/api.hpp>
#include <ashmem/binder/message.hpp>
#include <cstdint>
#include <string>

namespace ashmem::binder {

/** A call that is to be answered. */
struct Call {
    std::uint32_t code;
    bool one_way; ///< nobody waits for the answer
    pid_t pid;    ///< of the caller, 0 for a one-way call; it may have ended
    uid_t uid;    ///< of the caller
    Message& in;
};

/** Something in this process that others may call. */
class ASHMEM_API Object {
public:
    Object() noexcept;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    virtual ~Object();

    /** What INTERFACE_TRANSACTION answers. */
    [[nodiscard]] virtual std::u16string interface() const = 0;
    /** Whether callers may send descriptors along; if not, the driver refuses the call. */
    [[nodiscard]] virtual bool accepts_fds() const { return false; }
    /**
     * Answer a call, in a thread that is in Process::serve() or waits for an answer of
     * its own, several at a time if several are.
     *
     * @return 0, or a negative errno that the caller gets instead of `out`. What it
     *         throws arrives as -EIO, or -ENOMEM for std::bad_alloc.
     */
    virtual std::int32_t answer(Call& call, Parcel& out) = 0;

    /** Which object of this program it is; never used for another one. */
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

private:
    std::uint64_t number_;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// Calls, theirs and ours: what the driver tells a thread, and what comes of it.
#include <linux/android/binder.h>

#include <new>

#include "../error.hpp"
#include "message.hpp"
#include "process.hpp"
#include "protocol.hpp"

namespace ashmem::binder {
namespace {

/** The errno of an answer that is a status: libbinder's are negative errnos, but for a few. */
std::error_code status_code(std::int32_t status) noexcept {
    constexpr std::int32_t most_errno = 4095;
    return to_code(status < 0 && status >= -most_errno ? -status : EREMOTEIO);
}

binder_transaction_data transaction(const Parcel& parcel) noexcept {
    binder_transaction_data data{};
    data.data_size = parcel.data().size();
    data.offsets_size = parcel.offsets().size_bytes();
    data.data.ptr.buffer = reinterpret_cast<std::uintptr_t>(parcel.data().data());
    data.data.ptr.offsets = reinterpret_cast<std::uintptr_t>(parcel.offsets().data());
    return data;
}

std::int32_t answer_of(Object& object, Call& call, Parcel& out) noexcept {
    try {
        if (call.code == protocol::ping) return 0;
        if (call.code == protocol::interface) {
            out.string16(object.interface());
            return 0;
        }
        return object.answer(call, out);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    } catch (...) {
        return -EIO;
    }
}

/** Whether a call or an answer of ours came to nothing, and why. */
std::error_code failure_of(std::uint32_t command) noexcept {
    switch (command) {
        case BR_DEAD_REPLY:
            return to_code(EPIPE);
        case BR_FAILED_REPLY:
        case BR_FROZEN_REPLY:
            return to_code(EREMOTEIO);
        default:
            return {};
    }
}

} // namespace

Message Process::call(std::uint32_t handle, std::uint32_t code, const Parcel& in, bool one_way,
                      std::error_code& ec) {
    for (const Reference& reference : in.references())
        if (reference.local) impl_->objects.publish(reference.local);
    binder_transaction_data data = transaction(in);
    data.target.handle = handle;
    data.code = code;
    data.flags = TF_ACCEPT_FDS | (one_way ? TF_ONE_WAY : 0);

    Talk& talk = impl_->talk();
    talk.say(BC_TRANSACTION, data);
    while (const auto heard = talk.hear(-1, false, ec)) {
        if ((ec = failure_of(heard->command))) return {};
        if (heard->command == BR_TRANSACTION_COMPLETE ||
            heard->command == protocol::complete_frozen) {
            if (one_way) return {};
        } else if (heard->command == BR_REPLY) {
            const auto flags = body_as<binder_transaction_data>(heard->body).flags;
            Message message = receive(heard->body);
            if ((flags & TF_STATUS_CODE) == 0) return message;
            const std::int32_t status = message.i32();
            if (!message.ok() || status != 0) ec = status_code(status);
            return {};
        } else {
            this->handle(heard->command, heard->body);
        }
    }
    return {};
}

/** Do what the driver wants of any thread. */
void Process::handle(std::uint32_t command, std::span<const std::byte> body) {
    Talk& talk = impl_->talk();
    const auto node = body_as<binder_ptr_cookie>(body);
    switch (command) {
        case BR_INCREFS:
            talk.say(BC_INCREFS_DONE, node);
            break;
        case BR_ACQUIRE:
            impl_->objects.hold(node.cookie);
            talk.say(BC_ACQUIRE_DONE, node);
            break;
        case BR_RELEASE:
            impl_->objects.let_go(node.cookie);
            break;
        case BR_TRANSACTION:
        case BR_TRANSACTION_SEC_CTX:
            // the one with a security context begins as the other
            answer(body);
            break;
        case BR_DEAD_BINDER:
            died(body_as<binder_uintptr_t>(body));
            break;
        default:
            break;
    }
}

void Process::died(std::uint64_t number) {
    Impl::Death death;
    {
        const std::scoped_lock guard(impl_->remotes_lock);
        if (const auto found = impl_->deaths.find(number); found != impl_->deaths.end()) {
            std::swap(death, found->second);
            found->second.happened = true;
        }
    }
    impl_->talk().say(BC_DEAD_BINDER_DONE, binder_uintptr_t{number});
    for (const auto& then : death.then)
        then();
}

void Process::answer(std::span<const std::byte> body) {
    const auto data = body_as<binder_transaction_data>(body);
    const bool one_way = (data.flags & TF_ONE_WAY) != 0;
    Parcel out;
    std::int32_t status = -EPIPE;
    {
        Message in = receive(body);
        const auto object =
            data.target.ptr == 0 ? impl_->context : impl_->objects.find(data.cookie);
        Call call{data.code, one_way, data.sender_pid, data.sender_euid, in};
        if (object) status = answer_of(*object, call, out);
    }
    if (!one_way) reply(out, status);
}

void Process::reply(const Parcel& out, std::int32_t status) {
    for (const Reference& reference : out.references())
        if (reference.local) impl_->objects.publish(reference.local);
    binder_transaction_data data = transaction(out);
    if (status != 0) {
        data = {};
        data.flags = TF_STATUS_CODE;
        data.data_size = sizeof(status);
        data.data.ptr.buffer = reinterpret_cast<std::uintptr_t>(&status);
    }
    Talk& talk = impl_->talk();
    talk.say(BC_REPLY, data);
    std::error_code ec;
    // a caller that is gone, or could not take it, is no concern of ours
    while (const auto heard = talk.hear(-1, false, ec)) {
        if (heard->command == BR_TRANSACTION_COMPLETE || failure_of(heard->command)) return;
        handle(heard->command, heard->body);
    }
}

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// A transaction from its caller to its object and back: transact() writes it and waits,
// execute() in another process answers it, reply() sends the result. What a transaction
// carries is unpacked in message.cpp.
#include "thread_state.hpp"

#include <poll.h>

#include <cerrno>
#include <new>
#include <utility>

#include "../cxx/error.hpp"
#include "message.hpp"
#include "message_wire.hpp"
#include "process.hpp"
#include "protocol.hpp"

namespace ashmem::binder {
namespace {

/** The errno of a reply that is a status: libbinder's are negative errnos, but for a few. */
std::error_code status_code(std::int32_t status) noexcept {
    constexpr std::int32_t max_errno = 4095;
    return to_code(status < 0 && status >= -max_errno ? -status : EREMOTEIO);
}

/** What a reply brings: a message, or the status of an object that has none. */
Message message_of(Message reply, std::uint32_t flags, std::error_code& ec) {
    if ((flags & TF_STATUS_CODE) == 0) return reply;
    const std::int32_t status = reply.i32();
    if (!reply.ok() || status != 0) ec = status_code(status);
    return {};
}

/** Have an object answer. @return 0, or a negative errno */
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

} // namespace

Message ThreadState::transact(std::uint32_t handle, std::uint32_t code, const Parcel& in,
                              bool one_way, std::error_code& ec) {
    binder_transaction_data data = transaction(in);
    data.target.handle = handle;
    data.code = code;
    data.flags = TF_ACCEPT_FDS | (one_way ? TF_ONE_WAY : 0);
    out_.write(BC_TRANSACTION, data);
    Message answer = wait_for_response(!one_way, ec);
    finish();
    return answer;
}

/** Execute what the driver sends until it has taken our transaction, or brings the reply. */
Message ThreadState::wait_for_response(bool with_reply, std::error_code& ec) {
    while (const auto received = read(-1, false, ec)) {
        switch (received->command) {
            case BR_TRANSACTION_COMPLETE:
            case protocol::complete_frozen:
                if (!with_reply) return {};
                break;
            case BR_DEAD_REPLY:
                ec = to_code(EPIPE);
                return {};
            case BR_FAILED_REPLY:
            case BR_FROZEN_REPLY:
                ec = to_code(EREMOTEIO);
                return {};
            case BR_REPLY: {
                const auto data = wire::read_at<binder_transaction_data>(received->body, 0);
                return message_of(receive(data), data.flags, ec);
            }
            default:
                execute(*received);
                break;
        }
    }
    start_anew();
    return {};
}

/**
 * Have the driver forget what it has of this thread, after a request that failed: a response
 * that comes later would be taken for that to the next call. Who waits for this thread's own
 * answer is told that there will be none.
 */
void ThreadState::start_anew() noexcept {
    (void)address_->control(BINDER_THREAD_EXIT, nullptr);
    if (serving_) out_.write(BC_ENTER_LOOPER);
}

void ThreadState::serve(int timeout, std::error_code& ec) {
    // only poll() has a time limit, and another thread may take what it saw
    std::optional<Device::Unblocked> limited;
    if (timeout >= 0) limited.emplace(*address_, ec);
    if (ec) return;
    const bool outer = std::exchange(serving_, true);
    out_.write(BC_ENTER_LOOPER);
    while (const auto received = read(timeout, true, ec)) {
        execute(*received);
        if (at_ == end_) let_go();
    }
    serving_ = outer;
    if (!ec) ec = out_.flush();
}

/**
 * Execute what was read together with a response, and send what is to be said to it: this
 * thread may never speak to the driver again. Not the response to an outer call, which
 * waits for it.
 */
void ThreadState::finish() {
    std::error_code none;
    while (at_ != end_ && !protocol::is_response(wire::read_at<std::uint32_t>(in_, at_)))
        execute(*read(-1, false, none));
    (void)out_.flush();
    if (at_ == end_) let_go();
}

/**
 * End the objects that nobody holds any more. Their destructors may call others, so this is
 * not done while there are commands that were read and not executed: the call would take
 * those for what it waits for.
 */
void ThreadState::let_go() {
    while (!released_.empty()) {
        const auto last = std::move(released_.back());
        released_.pop_back();
    }
}

/** Do what the driver wants of any thread, whatever this one waits for. */
void ThreadState::execute(const Command& received) {
    const auto node = wire::read_at<binder_ptr_cookie>(received.body, 0);
    switch (received.command) {
        case BR_INCREFS:
            out_.write(BC_INCREFS_DONE, node);
            break;
        case BR_ACQUIRE:
            process_.impl_->objects.acquire(node.cookie);
            out_.write(BC_ACQUIRE_DONE, node);
            break;
        case BR_RELEASE:
            if (auto last = process_.impl_->objects.release(node.cookie))
                released_.push_back(std::move(last));
            break;
        case BR_TRANSACTION:
            answer(wire::read_at<binder_transaction_data>(received.body, 0));
            break;
        case BR_DEAD_BINDER:
            notify_death(wire::read_at<binder_uintptr_t>(received.body, 0));
            break;
        default:
            break;
    }
}

/** Call the object that a transaction is for; the null target is the context manager. */
void ThreadState::answer(const binder_transaction_data& data) {
    const bool one_way = (data.flags & TF_ONE_WAY) != 0;
    Parcel out;
    std::int32_t status = -EPIPE;
    {
        Message in = receive(data);
        {
            auto& impl = *process_.impl_;
            const auto object =
                data.target.ptr == 0 ? impl.context : impl.objects.find(data.cookie);
            Call call{data.code, one_way, data.sender_pid, data.sender_euid, in};
            if (object) status = answer_of(*object, call, out);
        }
        // the driver gets both at once
        replying_ = true;
        in = Message();
        replying_ = false;
    }
    if (!one_way) reply(out, status);
}

/** Send a result to the caller that waits for it: the parcel, or a status that is not 0. */
void ThreadState::reply(const Parcel& out, std::int32_t status) {
    binder_transaction_data data = transaction(out);
    if (status != 0) {
        data = {};
        data.flags = TF_STATUS_CODE;
        data.data_size = sizeof(status);
        data.data.ptr.buffer = reinterpret_cast<std::uintptr_t>(&status);
    }
    out_.write(BC_REPLY, data);
    // a caller that has ended, or could not take it, is no concern of ours
    std::error_code ignored;
    (void)wait_for_response(false, ignored);
}

/** Tell everyone who asked that a remote object has died. */
void ThreadState::notify_death(std::uint64_t number) {
    const auto recipients = process_.impl_->note_death(number);
    out_.write(BC_DEAD_BINDER_DONE, binder_uintptr_t{number});
    for (const auto& recipient : recipients)
        recipient();
}

/** A parcel for the driver; from now on others may call the objects in it. */
binder_transaction_data ThreadState::transaction(const Parcel& parcel) const {
    for (const Reference& reference : parcel.references())
        if (reference.local) process_.impl_->objects.publish(reference.local);
    binder_transaction_data data{};
    data.data_size = parcel.data().size();
    data.offsets_size = parcel.offsets().size_bytes();
    data.data.ptr.buffer = reinterpret_cast<std::uintptr_t>(parcel.data().data());
    data.data.ptr.offsets = reinterpret_cast<std::uintptr_t>(parcel.offsets().data());
    return data;
}

/** What the driver put into this process for a transaction or a reply. */
Message ThreadState::receive(const binder_transaction_data& data) const {
    return Message(std::make_unique<Message::Buffer>(process_.shared_from_this(), data));
}

/** The driver's next command; none if the wait ended, or with `ec` set. */
std::optional<ThreadState::Command> ThreadState::read(int timeout, bool stoppable,
                                                      std::error_code& ec) {
    ec.clear();
    while (at_ == end_) {
        if (stoppable && process_.impl_->stop.raised()) return {};
        at_ = 0;
        const int error = out_.exchange(in_, end_);
        if (error == EAGAIN) {
            if (!wait(timeout, stoppable, ec)) return {};
        } else if (error != 0 && error != EINTR) {
            ec = to_code(error);
            return {};
        }
    }
    // whole commands, for the driver wrote them
    const auto command = wire::read_at<std::uint32_t>(in_, at_);
    const auto body =
        std::span<const std::byte>(in_).subspan(at_ + sizeof(command), _IOC_SIZE(command));
    at_ += sizeof(command) + body.size();
    return Command{command, body};
}

/** Wait until the driver has something to read; false if the wait ended without. */
bool ThreadState::wait(int timeout, bool stoppable, std::error_code& ec) const noexcept {
    const auto& impl = *process_.impl_;
    pollfd wanted[] = {{impl.device->fd(), POLLIN, 0}, {impl.stop.fd(), POLLIN, 0}};
    for (;;) {
        const int ready = ::poll(wanted, stoppable ? 2 : 1, timeout);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) ec = to_code(errno);
        if ((wanted[0].revents & POLLIN) == 0 && (wanted[0].revents & (POLLERR | POLLHUP)) != 0)
            ec = to_code(EIO);
        return ready > 0 && !ec && wanted[1].revents == 0;
    }
}

} // namespace ashmem::binder

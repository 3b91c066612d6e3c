// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <linux/android/binder.h>

#include "descriptors.hpp"
#include "process.hpp"

namespace ashmem::binder {
void Message::Held::adopt(std::span<const std::byte> data, std::span<const std::uint64_t> offsets) {
    wire::each_descriptor(
        data, offsets,
        [&](std::uint64_t place, std::uint64_t length) {
            return process->impl_->mapped(place, length);
        },
        [&](std::size_t at, int fd) { fds.try_emplace(at, fd); },
        [&](int fd) { others.emplace_back(fd); });
}

Message::Held::~Held() {
    Talk talk(process->impl_->device.get(), -1);
    talk.say(BC_FREE_BUFFER, binder_uintptr_t{address});
    (void)talk.flush();
}

Message::Message(std::unique_ptr<Held> held) noexcept : held_(std::move(held)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

unique_fd Message::fd() noexcept {
    const auto found = reader_.fd();
    if (!found || !held_) return {};
    const auto held = held_->fds.find(found->at);
    return held == held_->fds.end() ? unique_fd() : std::move(held->second);
}

Reference Message::object() {
    const auto found = reader_.object();
    if (!found || !held_) return {};
    if (found->type == BINDER_TYPE_HANDLE)
        return {nullptr, held_->process->remote(static_cast<std::uint32_t>(found->value))};
    return {held_->process->impl_->objects.find(found->value), nullptr};
}

/** What a transaction carries, with all that has to be given back. */
Message Process::receive(std::span<const std::byte> body) {
    const auto transaction = body_as<binder_transaction_data>(body);
    auto held = std::make_unique<Message::Held>(shared_from_this(), transaction.data.ptr.buffer);
    const auto data = impl_->mapped(transaction.data.ptr.buffer, transaction.data_size);
    const auto places = impl_->mapped(transaction.data.ptr.offsets, transaction.offsets_size);
    const std::span offsets(reinterpret_cast<const std::uint64_t*>(places.data()),
                            places.size() / sizeof(std::uint64_t));
    held->adopt(data, offsets);
    Message message(std::move(held));
    message.reader_ = Reader(data, offsets);
    return message;
}

} // namespace ashmem::binder

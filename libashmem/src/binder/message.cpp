// SPDX-License-Identifier: Apache-2.0
// A transaction's data, descriptors and objects, as a Message; it ends with
// BC_FREE_BUFFER. message_wire.hpp finds the descriptors, reader.cpp the values.
#include "message.hpp"

#include <utility>

#include "../cxx/error.hpp"
#include "message_wire.hpp"
#include "process.hpp"

namespace ashmem::binder {
namespace {

// What an idle thread may keep from the driver. Of all that messages may take at a time,
// 1 MiB, each thread keeps this much at most.
constexpr std::size_t max_small = 256;

} // namespace

Message::Buffer::Buffer(std::shared_ptr<Process> owner,
                        const binder_transaction_data& transaction) noexcept
    : process(std::move(owner)), address(transaction.data.ptr.buffer) {
    const auto& impl = *process->impl_;
    data = impl.mapped(address, transaction.data_size);
    const auto places = impl.mapped(transaction.data.ptr.offsets, transaction.offsets_size);
    offsets = {reinterpret_cast<const std::uint64_t*>(places.data()),
               places.size() / sizeof(std::uint64_t)};
    // The driver holds an object's next one-way call back until the last one's is freed.
    small = offsets.empty() && data.size() <= max_small && (transaction.flags & TF_ONE_WAY) == 0;
}

void Message::Buffer::adopt_fds() {
    wire::each_descriptor(
        data, offsets,
        [&](std::uint64_t place, std::uint64_t length) {
            return process->impl_->mapped(place, length);
        },
        [&](std::size_t at, int fd) { fds.try_emplace(at, fd); },
        [&](int fd) { array_fds.emplace_back(fd); });
}

Message::Buffer::~Buffer() {
    if (process->impl_->device->inherited()) return;
    // those in arrays have to be closed by the driver before their numbers mean others
    const auto self = ThreadState::existing(*process);
    if (array_fds.empty() && self && self->free_later(address, small)) return;
    Visit visit(*process);
    visit.out().write(BC_FREE_BUFFER, binder_uintptr_t{address});
    if (visit.out().flush()) return;
    // The driver closed these with the buffer, and their numbers may be others' by now.
    for (unique_fd& fd : array_fds)
        (void)fd.release();
}

Message::Message(std::unique_ptr<Buffer> buffer)
    : buffer_(std::move(buffer)), reader_(buffer_->data, buffer_->offsets) {
    buffer_->adopt_fds();
}

Message::Message() noexcept = default;
Message::Message(Message&& other) noexcept
    : buffer_(std::move(other.buffer_)), reader_(std::exchange(other.reader_, Reader({}, {}))) {}
Message& Message::operator=(Message&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    reader_ = std::exchange(other.reader_, Reader({}, {}));
    return *this;
}
Message::~Message() = default;

Reader& Message::reader() noexcept {
    // the kernel gives a child no such memory
    if (buffer_ && buffer_->process->impl_->device->inherited()) reader_ = Reader({}, {});
    return reader_;
}

unique_fd Message::fd() noexcept {
    const auto found = reader().fd();
    if (!found) return {};
    const auto own = buffer_->fds.find(found->at);
    return own == buffer_->fds.end() ? unique_fd() : std::move(own->second);
}

Reference Message::object(std::error_code& ec) {
    ec.clear();
    const auto found = reader().object();
    if (!found) return {};
    auto& process = *buffer_->process;
    if (found->type != BINDER_TYPE_HANDLE) return {process.impl_->objects.find(found->value), {}};
    return {nullptr, process.remote(static_cast<std::uint32_t>(found->value), ec)};
}

Reference Message::object() {
    return throwing("binder::Message::object", [&](auto& ec) { return object(ec); });
}

} // namespace ashmem::binder

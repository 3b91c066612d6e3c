// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * One thread's conversation with the driver: commands that it writes (BC_...), and
 * commands of the driver that it reads and executes (BR_...).
 */
#pragma once

#include <linux/android/binder.h>

#include <ashmem/binder/message.hpp>
#include <ashmem/binder/parcel.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "commands.hpp"

namespace ashmem::binder {

class Process;

/** A thread of a Process; used by that thread alone. */
class ThreadState {
public:
    explicit ThreadState(Process& process) noexcept;

    /** The calling thread's own. Errors: ENOTCONN in a child of the process's own. */
    static ThreadState* self(Process& process, std::error_code& ec);

    /** Write a transaction; unless it is one-way, wait for the reply and return it. */
    Message transact(std::uint32_t handle, std::uint32_t code, const Parcel& in, bool one_way,
                     std::error_code& ec);

    /** Execute what the driver sends until Process::stop(), or `timeout` ms without any. */
    void serve(int timeout, std::error_code& ec);

private:
    /** What the driver sent; the body is good until the next read(). */
    struct Command {
        std::uint32_t command = 0;
        std::span<const std::byte> body;
    };

    Message wait_for_response(bool with_reply, std::error_code& ec);
    void execute(const Command& received);
    void answer(const binder_transaction_data& data);
    void reply(const Parcel& out, std::int32_t status);
    void notify_death(std::uint64_t number);
    [[nodiscard]] Message receive(const binder_transaction_data& data) const;
    [[nodiscard]] binder_transaction_data transaction(const Parcel& parcel) const;

    std::optional<Command> read(int timeout, bool stoppable, std::error_code& ec);
    bool wait(int timeout, bool stoppable, std::error_code& ec) const noexcept;

    Process& process_;
    Commands out_;
    std::vector<std::byte> in_;
    std::size_t at_ = 0; ///< in in_: where the next command begins
};

} // namespace ashmem::binder

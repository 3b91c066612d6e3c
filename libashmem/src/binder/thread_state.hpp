// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * One thread's conversation with the driver: commands that it writes (BC_...), and
 * commands of the driver that it reads and executes (BR_...).
 */
#pragma once

#include <linux/android/binder.h>

#include <array>
#include <ashmem/binder/message.hpp>
#include <ashmem/binder/parcel.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "commands.hpp"

namespace ashmem::binder {

class Device;
class Object;
class Process;

/** A thread of a Process; used by that thread alone. */
class ThreadState : public std::enable_shared_from_this<ThreadState> {
public:
    explicit ThreadState(Process& process);
    ThreadState(const ThreadState&) = delete;
    ThreadState& operator=(const ThreadState&) = delete;
    /** Have the driver forget this thread, unless the Process has ended before. */
    ~ThreadState();

    /**
     * The calling thread's own, which lives until the thread ends. What the destructors of
     * its thread_local objects ask for may come later: it then lives as long as it is held.
     *
     * Errors: ENOTCONN in a child of the one that opened the Process. May throw
     * std::bad_alloc.
     */
    static std::shared_ptr<ThreadState> self(Process& process, std::error_code& ec);
    /** The same; null if there is none yet, or none any more. */
    static std::shared_ptr<ThreadState> existing(const Process& process) noexcept;

    [[nodiscard]] bool is_for(const Device& device) const noexcept { return address_ == &device; }
    /** Whether its Process has ended. */
    [[nodiscard]] bool outlived() const noexcept { return device_.expired(); }

    /** Write a transaction; unless it is one-way, wait for the reply and return it. */
    Message transact(std::uint32_t handle, std::uint32_t code, const Parcel& in, bool one_way,
                     std::error_code& ec);

    /** Execute what the driver sends until Process::stop(), or `timeout` ms without any. */
    void serve(int timeout, std::error_code& ec);

    /** What goes to the driver next. */
    [[nodiscard]] Commands& out() noexcept { return out_; }
    /**
     * Free a buffer of the driver's with the next thing that is sent.
     *
     * @param small it may wait for that, however long it takes
     * @return false if it must be freed now: only what is small may wait, one at a time
     */
    [[nodiscard]] bool free_later(std::uint64_t address, bool small) noexcept;

private:
    /** What the driver sent; the body is good until the next read(). */
    struct Command {
        std::uint32_t command = 0;
        std::span<const std::byte> body;
    };

    Message wait_for_response(bool with_reply, std::error_code& ec);
    void start_anew() noexcept;
    void finish();
    void let_go();
    void execute(const Command& received);
    void answer(const binder_transaction_data& data);
    void reply(const Parcel& out, std::int32_t status);
    void notify_death(std::uint64_t number);
    [[nodiscard]] Message receive(const binder_transaction_data& data) const;
    [[nodiscard]] binder_transaction_data transaction(const Parcel& parcel) const;

    std::optional<Command> read(int timeout, bool stoppable, std::error_code& ec);
    bool wait(int timeout, bool stoppable, std::error_code& ec) const noexcept;

    // good as long as the device is
    Process& process_;
    // not shared: a Process that ends closes it, whichever threads go on
    std::weak_ptr<Device> device_;
    // no other device's as long as device_ remembers it
    Device* address_;
    Commands out_;
    // The driver hands out whole commands, of which the longest has some 80 bytes.
    std::array<std::byte, 1024> in_;
    std::size_t at_ = 0, end_ = 0; ///< in in_: the commands that were read, and not executed
    bool replying_ = false;        ///< something is about to be sent
    bool serving_ = false;         ///< within serve()
    std::vector<std::shared_ptr<Object>> released_; ///< that nobody else holds any more
    ThreadState* outer_late_ = nullptr; ///< another that came after the thread's others ended
};

/**
 * Commands of a destructor, sent at its end. It must not fail for want of memory, so a
 * thread that the driver does not know yet passes by and is forgotten again.
 */
class Visit {
public:
    explicit Visit(Process& process) noexcept;
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit();

    [[nodiscard]] Commands& out() noexcept;

private:
    Device& device_;
    std::shared_ptr<ThreadState> own_;
    std::optional<Commands> passing_;
};

} // namespace ashmem::binder

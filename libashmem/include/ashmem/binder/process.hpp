// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <ashmem/api.hpp>
#include <ashmem/binder/parcel.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

namespace ashmem::binder {

class Process;

/**
 * Bytes, descriptors and objects that came from another process.
 *
 * They lie in the driver's memory, which is given back with the message. So are the
 * descriptors that nobody took.
 */
class [[nodiscard]] ASHMEM_API Message final {
public:
    Message() noexcept = default;
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    ~Message();

    /** @{ The next value; see Reader. */
    std::int32_t i32() noexcept { return reader_.i32(); }
    std::uint32_t u32() noexcept { return reader_.u32(); }
    std::int64_t i64() noexcept { return reader_.i64(); }
    std::uint64_t u64() noexcept { return reader_.u64(); }
    std::u16string string16() { return reader_.string16(); }
    bool token(std::u16string_view interface) { return reader_.token(interface); }
    [[nodiscard]] bool ok() const noexcept { return reader_.ok(); }
    [[nodiscard]] std::size_t left() const noexcept { return reader_.left(); }
    /** @} */
    /** The next value, a descriptor, which is the caller's now; not ok() if it is none. */
    unique_fd fd() noexcept;
    /** The next value, an object. */
    Reference object();

private:
    friend class Process;
    struct ASHMEM_INSIDE Held;
    explicit Message(std::unique_ptr<Held> held) noexcept;

    std::unique_ptr<Held> held_;
    Reader reader_{{}, {}};
};

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

/** An object of another process, which lives on as long as this does. */
class ASHMEM_API Remote final {
public:
    ~Remote();
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    [[nodiscard]] std::uint32_t handle() const noexcept { return handle_; }

    /**
     * @{ Call it and wait for the answer. Calls that come to this process for the
     * sake of this one are answered meanwhile.
     *
     * Errors: EPIPE if its process has ended, or ends before it answers; EREMOTEIO if
     * the driver could not deliver, for want of memory or because of a descriptor that
     * is not wanted there (dmesg has more); the errno that it answered.
     */
    Message call(std::uint32_t code, const Parcel& in);
    Message call(std::uint32_t code, const Parcel& in, std::error_code& ec);
    /** @} */
    /** Call it and do not wait. Errors: as above, as far as they are known by then. */
    void call_one_way(std::uint32_t code, const Parcel& in, std::error_code& ec);

    /**
     * Have a function called once, when its process ends, by a thread that is in
     * Process::serve(); at once if that was heard of before. No longer called once this
     * Remote has ended. It must not throw; copying it must not lead here.
     *
     * @throws std::system_error the errno of the driver
     */
    void on_death(const std::function<void()>& then);

    /** The process that this belongs to. */
    [[nodiscard]] const std::shared_ptr<Process>& process() const noexcept { return process_; }
    /** Room for what somebody keeps about it; see memory.hpp. */
    std::weak_ptr<void>& attachment() noexcept { return attachment_; }

private:
    friend class Process;
    Remote(std::shared_ptr<Process> process, std::uint32_t handle, std::uint64_t number)
        : process_(std::move(process)), handle_(handle), number_(number) {}

    std::shared_ptr<Process> process_;
    std::uint32_t handle_;
    std::uint64_t number_;
    std::weak_ptr<void> attachment_;
};

/**
 * This process as Binder sees it, by one open of a device.
 *
 * All members may be called by several threads. Not for use after fork().
 */
class ASHMEM_API Process final : public std::enable_shared_from_this<Process> {
public:
    /**
     * @{ Open a device, /dev/binder or one of binderfs.
     *
     * Errors: the errno of open() and mmap(); EPROTO if the driver speaks another
     * version of the protocol than 8.
     */
    static std::shared_ptr<Process> open(const std::string& device = "/dev/binder");
    static std::shared_ptr<Process> open(const std::string& device, std::error_code& ec);
    /** @} */
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /**
     * Be the one that everybody finds as context_manager().
     *
     * The Process holds the object for good. An object that holds a Remote of this
     * Process, as a ServiceManager that knows a service does, holds the Process in turn:
     * both then live until the program ends.
     *
     * @throws std::system_error EBUSY if there is one; EPERM if it was another user's
     */
    void become_context_manager(std::shared_ptr<Object> object);
    [[nodiscard]] std::shared_ptr<Remote> context_manager();

    /**
     * Answer calls and hear of deaths, until stop() or nothing came for so long.
     *
     * @throws std::system_error the errno of the driver
     */
    void serve(std::chrono::milliseconds quiet = std::chrono::milliseconds::max());
    /** End serve() in all threads, for good. */
    void stop() noexcept;

private:
    friend class Message;
    friend class Remote;
    struct ASHMEM_INSIDE Impl;
    explicit Process(std::unique_ptr<Impl> impl) noexcept;

    ASHMEM_INSIDE std::shared_ptr<Remote> remote(std::uint32_t handle);
    ASHMEM_INSIDE Message call(std::uint32_t handle, std::uint32_t code, const Parcel& in,
                               bool one_way, std::error_code& ec);
    ASHMEM_INSIDE void handle(std::uint32_t command, std::span<const std::byte> body);
    ASHMEM_INSIDE void died(std::uint64_t number);
    ASHMEM_INSIDE void answer(std::span<const std::byte> body);
    ASHMEM_INSIDE void reply(const Parcel& out, std::int32_t status);
    ASHMEM_INSIDE Message receive(std::span<const std::byte> body);
    ASHMEM_INSIDE void forget(const Remote& remote) noexcept;

    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/binder/message.hpp>
#include <ashmem/binder/object.hpp>
#include <ashmem/binder/remote.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace ashmem::binder {

/**
 * This process as Binder sees it, by one open of a device.
 *
 * All members may be called by several threads.
 *
 * A child of fork() has copies of its parent's Process, and of each Remote and Message
 * of that, which are for nothing but to be destroyed: the driver takes whatever is said
 * on the parent's device for the parent's words. The copies say nothing. In the child
 * every operation on them is ENOTCONN, stop() does nothing, a Message is empty, and
 * their destruction takes nothing from the parent. The child may open() a Process of its
 * own. Until it destroys its copy of a Process, or ends, or executes a program, the parent's
 * device stays open, so that others do not hear of the parent's death.
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
     * @{ Be the one that everybody finds as context_manager().
     *
     * The Process holds the object for good. An object that holds a Remote of this
     * Process, as a ServiceManager that knows a service does, holds the Process in turn:
     * both then live until the program ends.
     *
     * Errors: EBUSY if there is one; EPERM if it was another user's.
     */
    void become_context_manager(std::shared_ptr<Object> object);
    void become_context_manager(std::shared_ptr<Object> object, std::error_code& ec);
    /** @} */
    /**
     * @{ The one that everybody finds, whether there is one yet or not.
     *
     * Errors: EINVAL for the Process that is it, which cannot call itself.
     */
    [[nodiscard]] std::shared_ptr<Remote> context_manager();
    [[nodiscard]] std::shared_ptr<Remote> context_manager(std::error_code& ec);
    /** @} */

    /**
     * @{ Answer calls and hear of deaths, until stop(), or until nothing came for `idle`.
     *
     * While a thread serves for a limited time, the calls of all threads of this Process
     * take three system calls instead of one.
     *
     * Errors: the errno of the driver.
     */
    void serve(std::chrono::milliseconds idle = std::chrono::milliseconds::max());
    void serve(std::chrono::milliseconds idle, std::error_code& ec);
    /** @} */
    /** End serve() in all threads, for good. Async-signal-safe. */
    void stop() noexcept;

private:
    friend class Message;
    friend class Remote;
    friend class ThreadState;
    friend class Visit;
    struct ASHMEM_LOCAL Impl;
    ASHMEM_LOCAL explicit Process(std::unique_ptr<Impl> impl) noexcept;

    /** The one Remote of a handle. */
    ASHMEM_LOCAL std::shared_ptr<Remote> remote(std::uint32_t handle, std::error_code& ec);
    ASHMEM_LOCAL void forget(const Remote& remote) noexcept;

    std::unique_ptr<Impl> impl_;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/api.hpp>
#include <ashmem/binder/message.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

namespace ashmem::binder {

class Process;

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
    /** @{ Call it and do not wait. Errors: as above, as far as they are known by then. */
    void call_one_way(std::uint32_t code, const Parcel& in);
    void call_one_way(std::uint32_t code, const Parcel& in, std::error_code& ec);
    /** @} */

    /**
     * @{ Have a function called once, when its process ends, by a thread that is in
     * Process::serve(); at once if that was heard of before. No longer called once this
     * Remote has ended. It must not throw; copying it must not lead here.
     *
     * Errors: the errno of the driver.
     */
    void link_to_death(const std::function<void()>& recipient);
    void link_to_death(const std::function<void()>& recipient, std::error_code& ec);
    /** @} */

    /** The process that this belongs to. */
    [[nodiscard]] const std::shared_ptr<Process>& process() const noexcept { return process_; }

private:
    friend class Process;
    friend struct Attachment;
    Remote(std::shared_ptr<Process> process, std::uint32_t handle, std::uint64_t number)
        : process_(std::move(process)), handle_(handle), number_(number) {}

    std::shared_ptr<Process> process_;
    std::uint32_t handle_;
    std::uint64_t number_;
    std::weak_ptr<void> attachment_;
};

} // namespace ashmem::binder

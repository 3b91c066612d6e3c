// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashmem/binder/process.hpp>
#include <map>

namespace ashmem::binder {

/** The driver's memory that a message lies in, and the descriptors that came along. */
struct Message::Held {
    Held(std::shared_ptr<Process> owner, std::uint64_t buffer) noexcept
        : process(std::move(owner)), address(buffer) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held();

    /** Own every descriptor that the driver put here for this message. */
    void adopt(std::span<const std::byte> data, std::span<const std::uint64_t> offsets);

    std::shared_ptr<Process> process;
    std::uint64_t address;
    std::map<std::size_t, unique_fd> fds; ///< by their object's place
    std::vector<unique_fd> others;        ///< of arrays, which libbinder does not read either
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The driver's memory that a Message lies in, and what has to be given back with it.
 */
#pragma once

#include <linux/android/binder.h>

#include <ashmem/binder/message.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace ashmem::binder {

class Process;

struct Message::Buffer {
    /** That of a transaction or a reply; the driver frees it when this ends. */
    Buffer(std::shared_ptr<Process> owner, const binder_transaction_data& transaction) noexcept;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer();

    /** Own every descriptor that the driver put into this process for the message. */
    void adopt_fds();

    std::shared_ptr<Process> process;
    std::uint64_t address;
    std::span<const std::byte> data;
    std::span<const std::uint64_t> offsets;
    bool small = false; ///< nobody misses it if it is freed later

    std::map<std::size_t, unique_fd> fds; ///< by their object's place
    /** Those in arrays, which libbinder does not read either. The driver closes them with the
     *  buffer; the child of a fork has to close its copies. */
    std::vector<unique_fd> array_fds;
};

} // namespace ashmem::binder

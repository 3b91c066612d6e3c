// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a Process knows: its objects that others hold, and the remote objects that it
 * holds. What its threads do with them is in thread_state.cpp.
 */
#pragma once

#include <sys/mman.h>

#include <ashmem/binder/process.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "device.hpp"
#include "objects.hpp"
#include "stop.hpp"
#include "thread_state.hpp"

namespace ashmem::binder {

struct Process::Impl {
    Impl(std::shared_ptr<Device> opened, std::error_code& ec) noexcept
        : device(std::move(opened)), stop(device->fd(), ec) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();

    using Recipients = std::vector<std::function<void()>>;

    /** A notice of death that the driver was asked for, or gave. */
    struct Death {
        Recipients recipients;
        bool happened = false;
    };

    /** The one Remote of a handle, and its number, by which the driver knows its death. */
    struct Known {
        std::weak_ptr<Remote> remote;
        std::uint64_t number = 0;
    };

    /** Give a handle back; under remotes_lock. @return what must end without it */
    Death release(Commands& out, std::uint32_t handle, std::uint64_t number) noexcept;
    /** BR_DEAD_BINDER: remember it. @return whom to tell */
    Recipients note_death(std::uint64_t number);
    /** The bytes at an address that the driver gave; none if they are not in its map. */
    [[nodiscard]] std::span<const std::byte> mapped(std::uint64_t address,
                                                    std::uint64_t length) const noexcept;

    std::shared_ptr<Device> device;
    Stop stop;
    void* map = MAP_FAILED;
    std::size_t size = 0;

    Objects objects;
    std::shared_ptr<Object> context;

    // held while commands are sent, so that the driver gets them in the same order
    std::mutex remotes_lock;
    std::map<std::uint32_t, Known> remotes;
    std::map<std::uint64_t, Death> deaths;
    std::uint64_t last_remote = 0;
};

inline std::span<const std::byte> Process::Impl::mapped(std::uint64_t address,
                                                        std::uint64_t length) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(map);
    if (address < begin || address - begin > size || length > size - (address - begin)) return {};
    return {reinterpret_cast<const std::byte*>(static_cast<std::uintptr_t>(address)),
            static_cast<std::size_t>(length)};
}

} // namespace ashmem::binder

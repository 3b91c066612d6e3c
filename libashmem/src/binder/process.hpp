// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a Process knows: its threads, its objects that others hold, and the deaths
 * that it waits for.
 */
#pragma once

#include <sys/mman.h>

#include <ashmem/binder/process.hpp>
#include <ashmem/unique_fd.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "talk.hpp"

namespace ashmem::binder {

/** Objects of this process that went out, by number. Thread-safe. */
class Objects {
public:
    /** One goes out; whoever has it in a parcel keeps it alive until hold(). */
    void publish(const std::shared_ptr<Object>& object);
    /** Others hold it, or no longer do; as often as the driver says so. */
    void hold(std::uint64_t number);
    void let_go(std::uint64_t number);
    [[nodiscard]] std::shared_ptr<Object> find(std::uint64_t number);

private:
    struct Entry {
        std::weak_ptr<Object> object;
        std::shared_ptr<Object> held;
        int holds = 0;
    };
    std::mutex lock_;
    std::map<std::uint64_t, Entry> all_;
};

struct Process::Impl {
    Impl(unique_fd opened, unique_fd stop_event) noexcept
        : device(std::move(opened)), stop(std::move(stop_event)) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();

    /** What is to be done when a remote object has died, or that it has. */
    struct Death {
        std::vector<std::function<void()>> then;
        bool happened = false;
    };

    /** The one Remote of a handle; there may be one that ends and is not forgotten yet. */
    struct Known {
        std::weak_ptr<Remote> remote;
        std::uint64_t number = 0;
    };

    Death release(Talk& talk, std::uint32_t handle, std::uint64_t number);
    /** The calling thread's own. */
    Talk& talk();
    /** The bytes at an address that the driver gave; none if they are not in its map. */
    [[nodiscard]] std::span<const std::byte> mapped(std::uint64_t address,
                                                    std::uint64_t length) const noexcept;

    unique_fd device;
    unique_fd stop;
    void* map = MAP_FAILED;
    std::size_t size = 0;

    Objects objects;
    std::shared_ptr<Object> context;

    std::mutex threads_lock;
    std::map<std::thread::id, Talk> threads;

    // held while the driver is told, so that what it is told comes in the same order
    std::mutex remotes_lock;
    std::map<std::uint32_t, Known> remotes;
    std::map<std::uint64_t, Death> deaths;
    std::uint64_t last_remote = 0;
};

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
// How often the kernel came by one of its tracepoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bench {

// Counts what the calling thread does, and what threads and children do that it makes
// later. The kernel only counts: nothing is recorded that could be lost.
class Tracepoint {
public:
    // Nothing if the kernel has no such tracepoint: "lock/contention_begin". The filter is
    // in the words of the kernel's Documentation/trace/events.rst.
    static std::optional<Tracepoint> find(const std::string& name, const std::string& filter);

    Tracepoint(Tracepoint&& other) noexcept;
    Tracepoint& operator=(Tracepoint&&) = delete;
    ~Tracepoint();

    void start() const;
    void stop() const;
    [[nodiscard]] std::uint64_t count() const;

private:
    explicit Tracepoint(int fd) : fd_(fd) {}

    int fd_;
};

} // namespace bench

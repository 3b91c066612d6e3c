// SPDX-License-Identifier: Apache-2.0
// Two threads that meet at one moment, over and over.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <thread>

namespace test {

// A thread that does its part of each round in parallel to the one that starts the round.
// It exists before the first round, since making a thread takes longer than most races.
class Partner {
public:
    explicit Partner(std::function<void()> part)
        : part_(std::move(part)), thread_([this] { run(); }) {}
    Partner(const Partner&) = delete;
    Partner& operator=(const Partner&) = delete;
    ~Partner() {
        stop_ = true;
        thread_.join();
    }

    void start() { ++begun_; }
    void wait() const {
        while (ended_ != begun_)
            std::this_thread::yield();
    }

private:
    void run() {
        while (!stop_) {
            if (ended_ == begun_) {
                std::this_thread::yield();
                continue;
            }
            part_();
            ++ended_;
        }
    }

    std::function<void()> part_;
    std::atomic<unsigned> begun_{0}, ended_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// passes a little time, far less than any sleep
inline void spin(long turns) {
    for (; turns > 0; --turns)
        asm volatile("");
}

// Finds the moment in a partner's part at which an answer changes. After a try that was
// early the next one comes a little later, and the other way round. So the tries gather
// around that moment on a machine of any speed, with a jitter.
class Aim {
public:
    explicit Aim(unsigned seed) : random_(seed) {}

    // what either side does before its call: one of them, nothing
    void hold_own() const { spin(delay_); }
    void hold_partner() const { spin(-delay_); }

    void came_early() { move(1); }
    void came_late() { move(-1); }
    // whether there were tries on both sides of the moment
    [[nodiscard]] bool met() const { return early_ && late_; }

private:
    void move(long sign) {
        (sign > 0 ? early_ : late_) = true;
        // narrower when it went past, wider while it is on its way
        width_ = sign == last_ ? width_ + width_ / 2 : width_ / 2;
        width_ = std::clamp(width_, least_width, most_width);
        last_ = sign;
        delay_ += sign * std::uniform_int_distribution<long>(1, width_)(random_);
    }

    static constexpr long least_width = 200, most_width = 30000;
    std::mt19937 random_;
    long delay_ = 0, width_ = 10000, last_ = 0;
    bool early_ = false, late_ = false;
};

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// Processes to talk to over Binder: a service manager and services.
#pragma once

#include <ashmem/binder.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "support/process.hpp"

namespace test {

// An object whose answer is a function.
class Service final : public ashmem::binder::Object {
public:
    using Answer = std::function<std::int32_t(ashmem::binder::Call&, ashmem::binder::Parcel&)>;
    explicit Service(Answer answer, bool fds = false) : answer_(std::move(answer)), fds_(fds) {}
    std::u16string interface() const override { return u"test.Service"; }
    bool accepts_fds() const override { return fds_; }
    std::int32_t answer(ashmem::binder::Call& call, ashmem::binder::Parcel& out) override {
        return answer_(call, out);
    }

private:
    Answer answer_;
    bool fds_;
};

// An object that answers nothing.
inline std::shared_ptr<Service> silent() {
    return std::make_shared<Service>(
        [](ashmem::binder::Call&, ashmem::binder::Parcel&) { return 0; });
}

// A child that does its part of a test; the constructor waits until it is ready.
class BinderChild {
public:
    using Ready = std::function<void()>;
    explicit BinderChild(const std::function<void(const Ready&)>& work);
    void kill() { child_->kill(); }
    int wait() { return child_->wait(); }

private:
    std::unique_ptr<Child> child_;
};

// A machine's service manager, or what is there in its place, for as long as this lives. A test
// that needs it for minutes waits for what will not come, and is ended by SIGALRM.
class Manager {
public:
    explicit Manager(const std::function<std::shared_ptr<ashmem::binder::Object>()>& make = [] {
        return std::make_shared<ashmem::binder::ServiceManager>();
    });
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager();

private:
    BinderChild child_;
};

// A process that has one service, by this name.
using Serve = std::function<std::shared_ptr<ashmem::binder::Object>(ashmem::binder::Process&)>;
BinderChild serving(const std::string& name, const Serve& make);

template <class Condition>
bool eventually(Condition condition) {
    using namespace std::chrono_literals;
    for (int i = 0; i < 1000 && !condition(); ++i)
        std::this_thread::sleep_for(10ms);
    return condition();
}

// Hears of deaths and answers calls, beside the test.
class Looper {
public:
    explicit Looper(const std::shared_ptr<ashmem::binder::Process>& process)
        : process_(process), thread_([process, returned = returned_] {
              process->serve();
              *returned = true;
          }) {}
    Looper(const Looper&) = delete;
    Looper& operator=(const Looper&) = delete;
    // Fails the test if stop() does not end serve().
    ~Looper();

private:
    std::shared_ptr<ashmem::binder::Process> process_;
    std::shared_ptr<std::atomic<bool>> returned_ = std::make_shared<std::atomic<bool>>(false);
    std::thread thread_;
};

} // namespace test

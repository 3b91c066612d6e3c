// SPDX-License-Identifier: Apache-2.0
// Binder's other ends: a service manager and services, each a process of its own.
#pragma once

#include <ashmem/binder.hpp>
#include <functional>
#include <memory>
#include <string>

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

// A child that does its part of a test, started once it said that it is ready.
class BinderChild {
public:
    using Ready = std::function<void()>;
    explicit BinderChild(const std::function<void(const Ready&)>& work);
    void kill() { child_->kill(); }
    int wait() { return child_->wait(); }

private:
    std::unique_ptr<Child> child_;
};

// A machine's service manager, for as long as this lives.
class Manager {
public:
    Manager();

private:
    BinderChild child_;
};

// A process that has one service, by this name.
using Serve = std::function<std::shared_ptr<ashmem::binder::Object>(ashmem::binder::Process&)>;
BinderChild serving(const std::string& name, const Serve& make);

} // namespace test

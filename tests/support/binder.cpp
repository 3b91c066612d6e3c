// SPDX-License-Identifier: Apache-2.0
// Forks service managers and services, and waits until they are ready.
#include "support/binder.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <stdexcept>

using namespace ashmem::binder;

namespace test {
namespace {

// The driver lets go of a process that ended in its own time.
void take_over(Process& process, const std::shared_ptr<Object>& manager) {
    for (int attempt = 0;; ++attempt) {
        try {
            return process.become_context_manager(manager);
        } catch (const std::system_error& error) {
            if (error.code().value() != EBUSY || attempt == 500) throw;
            usleep(20000);
        }
    }
}

} // namespace

BinderChild::BinderChild(const std::function<void(const Ready&)>& work) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    child_ = std::make_unique<Child>([&] {
        close(ends[0]);
        try {
            work([&] {
                if (write(ends[1], "r", 1) != 1) _exit(3);
                close(ends[1]);
            });
            return 0;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "# in a child: %s\n", error.what());
            return 2;
        }
    });
    close(ends[1]);
    char ready = 0;
    const bool came = read(ends[0], &ready, 1) == 1;
    close(ends[0]);
    if (!came) throw std::runtime_error("a child of the test did not get ready");
}

Manager::Manager(const std::function<std::shared_ptr<Object>()>& make)
    : child_([&](const BinderChild::Ready& ready) {
          const auto process = Process::open();
          take_over(*process, make());
          ready();
          process->serve();
      }) {
    constexpr unsigned int limit = 240;
    alarm(limit);
}

Manager::~Manager() {
    alarm(0);
}

Looper::~Looper() {
    process_->stop();
    const bool ends = eventually([&] { return returned_->load(); });
    CHECK(ends);
    if (ends)
        thread_.join();
    else
        thread_.detach();
}

BinderChild serving(const std::string& name, const Serve& make) {
    return BinderChild([&](const BinderChild::Ready& ready) {
        const auto process = Process::open();
        add_service(*process, name, {make(*process), nullptr});
        ready();
        process->serve();
    });
}

} // namespace test

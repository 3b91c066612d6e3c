// SPDX-License-Identifier: Apache-2.0
// Repeats the list, until q or ^C. Without a terminal that can clear its screen, the lists
// follow each other.
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "commands.hpp"
#include "failure.hpp"
#include "list.hpp"
#include "regions.hpp"

namespace tool {
namespace {

constexpr std::int64_t nanoseconds = 1'000'000'000; // a second

volatile sig_atomic_t ended_by = 0;

/** A terminal that gives each key at once, and is as before at the end, by a signal too. */
class Keys {
public:
    Keys() {
        ::sigprocmask(SIG_BLOCK, nullptr, &waiting_);
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return; // no terminal
        struct sigaction action {};
        action.sa_handler = [](int signal) { ended_by = signal; };
        sigset_t held;
        sigemptyset(&held);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
            ::sigaction(signal, &action, nullptr);
            sigaddset(&held, signal);
        }
        // They arrive while we wait and at no other time, so that none is missed.
        ::sigprocmask(SIG_BLOCK, &held, &waiting_);
        termios now = before_;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        // a job in the background is stopped here, until it is in the foreground
        terminal_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;
    ~Keys() {
        if (terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        ::sigprocmask(SIG_SETMASK, &waiting_, nullptr);
    }

    /** Waits; whether q was pressed, or a signal came. */
    [[nodiscard]] bool end_within(std::chrono::milliseconds delay) const {
        using std::chrono::steady_clock;
        const auto until = steady_clock::now() + delay;
        while (steady_clock::now() < until) {
            const auto left = std::max<std::int64_t>(0, (until - steady_clock::now()).count());
            const timespec limit{left / nanoseconds, left % nanoseconds};
            pollfd keyboard{terminal_ ? STDIN_FILENO : -1, POLLIN, 0};
            const int ready = ::ppoll(&keyboard, 1, &limit, &waiting_);
            if (ended_by != 0) return true;
            if (ready < 0 && errno != EINTR) return true;
            if (ready <= 0) continue;
            char key = 0;
            if (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q') return true;
        }
        return false;
    }

private:
    termios before_{};
    sigset_t waiting_{}; ///< what is blocked during a wait
    bool terminal_ = false;
};

/** Whether the screen can be cleared. */
bool clears() {
    const char* const kind = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

void repeat(unsigned iterations, std::chrono::milliseconds delay) {
    const Keys keys;
    const bool clear = clears();
    for (unsigned done = 0; iterations == 0 || done < iterations; ++done) {
        if (done > 0 && keys.end_within(delay)) return;
        if (clear)
            std::cout << "\033[H\033[2J";
        else if (done > 0)
            std::cout << '\n';
        std::cout << table_of(find_regions()) << std::flush;
        if (!std::cout) throw Failure("cannot write the list");
    }
}

} // namespace

void top(unsigned iterations, double delay) {
    repeat(iterations, std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::duration<double>(delay)));
    if (ended_by == 0) return;
    // the terminal is as before: now end as others do by this signal
    ::signal(ended_by, SIG_DFL);
    ::raise(ended_by);
}

} // namespace tool

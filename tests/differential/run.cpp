// SPDX-License-Identifier: Apache-2.0
// Forks the processes of a program and gives them its steps one at a time, over sockets.
#include "run.hpp"

#include <linux/ashmem.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <sstream>
#include <system_error>

#include "actor.hpp"
#include "differences.hpp"

namespace differential {
namespace {

constexpr int turn_seconds = 30;

struct Turn {
    Step step;
    std::array<pid_t, most_actors> actors;
};

// A pair of sockets that keeps messages apart, one end for each side.
struct Line {
    int ours = -1, theirs = -1;
    Line() {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
        ours = ends[0], theirs = ends[1];
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() {
        close(ours);
        close(theirs);
    }
};

// an errno's name, or whether the answer was 0
const char* kind_of(std::int64_t value) {
    if (value == 0) return "0";
    if (value > 0) return "more";
    // GET_SIZE of a region of nearly 2^64 bytes is negative, and no error
    const char* error = strerrorname_np(static_cast<int>(-value));
    return error ? error : "less";
}

std::string encode(const Answer& answer) {
    std::string message(sizeof(answer.value), 0);
    std::memcpy(message.data(), &answer.value, sizeof(answer.value));
    return message + answer.text;
}

Answer decode(const std::string& message) {
    Answer answer;
    std::memcpy(&answer.value, message.data(), sizeof(answer.value));
    answer.text = message.substr(sizeof(answer.value));
    return answer;
}

class Company {
public:
    Company(bool avoid, Census* census) : avoid_(avoid), census_(census) { begin(0); }
    Company(const Company&) = delete;
    Company& operator=(const Company&) = delete;
    ~Company() {
        for (int actor = 0; actor < most_actors; ++actor)
            end(actor);
    }

    void step(const Step& step) {
        const auto actor = static_cast<std::size_t>(step.actor);
        log_ << to_text(step) << " -> ";
        if (processes_[actor] <= 0) {
            log_ << "no process\n";
            return;
        }
        const auto region = region_of(step);
        if (const char* difference = region ? region->difference(step) : nullptr;
            difference && avoid_) {
            ++avoided_;
            count(step, "avoided");
            log_ << "avoided: " << difference << '\n';
            return;
        }
        const Answer answer = answer_to(step);
        learn(step, answer);
        count(step, kind_of(answer.value));
        log_ << answer.value;
        if (!answer.text.empty()) log_ << " (" << answer.text << ')';
        log_ << '\n';
    }

    Transcript finish() {
        for (int actor = 0; actor < most_actors; ++actor)
            if (processes_[static_cast<std::size_t>(actor)] > 0) step({actor, Call::look, {}});
        return {log_.str(), avoided_};
    }

private:
    using Slots = std::array<std::shared_ptr<Region>, most_slots>;

    // The parent of every actor is this process, whoever forked it: its end can be
    // waited for.
    void begin(std::size_t actor) {
        processes_[actor] = fork();
        if (processes_[actor] == 0) serve(actor);
    }

    [[noreturn]] void serve(std::size_t actor) {
        Actor self;
        for (;;) {
            Turn turn{};
            if (recv(lines_[actor].theirs, &turn, sizeof(turn), 0) != sizeof(turn)) _exit(1);
            Answer answer;
            if (turn.step.call == Call::exit) {
                _exit(0);
            } else if (turn.step.call == Call::fork) {
                const long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
                if (pid == 0) {
                    actor = static_cast<std::size_t>(turn.step.arguments[0]);
                    continue;
                }
                answer = {pid, {}};
            } else {
                answer = self.act(turn.step, turn.actors);
            }
            const std::string message = encode(answer);
            if (send(lines_[actor].theirs, message.data(), message.size(), 0) < 0) _exit(1);
        }
    }

    Answer answer_to(const Step& step) {
        const auto actor = static_cast<std::size_t>(step.actor);
        if (step.call == Call::fork) return begin_another(step);
        const Turn turn{step, processes_};
        send(lines_[actor].ours, &turn, sizeof(turn), 0);
        if (step.call == Call::exit) {
            // by itself, not by a signal that would leave it a message
            waitpid(processes_[actor], nullptr, 0);
            forget(step.actor);
            return {0, {}};
        }
        return hear(step.actor);
    }

    Answer hear(int actor) {
        pollfd entry{lines_[static_cast<std::size_t>(actor)].ours, POLLIN, 0};
        // The socket does not show that an actor died: check now and then.
        for (int waited = 0; poll(&entry, 1, 100) == 0; ++waited) {
            int status = 0;
            if (waitpid(processes_[static_cast<std::size_t>(actor)], &status, WNOHANG) > 0) {
                forget(actor);
                return {0, "died of signal " + std::to_string(WTERMSIG(status))};
            }
            if (waited == turn_seconds * 10) {
                end(actor);
                return {0, "hung"};
            }
        }
        std::string message(1 << 16, 0);
        const ssize_t length = recv(entry.fd, message.data(), message.size(), 0);
        message.resize(length > 0 ? static_cast<std::size_t>(length) : sizeof(std::int64_t));
        return decode(message);
    }

    Answer begin_another(const Step& step) {
        const auto child = static_cast<std::size_t>(step.arguments[0]);
        if (child == static_cast<std::size_t>(step.actor) || processes_[child] > 0)
            return {-EEXIST, {}};
        const Turn turn{step, processes_};
        send(lines_[static_cast<std::size_t>(step.actor)].ours, &turn, sizeof(turn), 0);
        Answer answer = hear(step.actor);
        if (answer.value <= 0) return answer;
        processes_[child] = static_cast<pid_t>(answer.value);
        slots_[child] = slots_[static_cast<std::size_t>(step.actor)];
        return {0, {}};
    }

    // Ends an actor; once it is waited for, its descriptors and maps are gone.
    Answer end(int actor) {
        pid_t& process = processes_[static_cast<std::size_t>(actor)];
        if (process <= 0) return {0, {}};
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
        forget(actor);
        return {0, {}};
    }

    void forget(int actor) {
        processes_[static_cast<std::size_t>(actor)] = 0;
        slots_[static_cast<std::size_t>(actor)] = {};
    }

    std::shared_ptr<Region> region_of(const Step& step) {
        switch (step.call) {
            case Call::setsize:
            case Call::setmask:
            case Call::mmap:
            case Call::pin:
            case Call::unpin:
            case Call::status:
                return slot(step.actor, step.arguments[0]);
            default:
                return {};
        }
    }

    std::shared_ptr<Region>& slot(std::int64_t actor, std::int64_t slot) {
        return slots_[static_cast<std::size_t>(actor)][static_cast<std::size_t>(slot)];
    }

    // what the answer says of the regions
    void learn(const Step& step, const Answer& answer) {
        if (answer.value < 0) return;
        const auto& [a, b, c, d, e, f] = step.arguments;
        switch (step.call) {
            case Call::open:
                slot(step.actor, a) = std::make_shared<Region>();
                break;
            case Call::reopen:
                slot(step.actor, b) = std::make_shared<Region>();
                break;
            case Call::close:
                slot(step.actor, a) = {};
                break;
            case Call::dup:
                slot(step.actor, b) = slot(step.actor, a);
                break;
            case Call::take:
                slot(step.actor, b) = slot(c, a);
                break;
            case Call::purge:
                for (auto& slots : slots_)
                    for (auto& region : slots)
                        if (region) region->purged();
                break;
            default:
                if (const auto region = region_of(step)) learn_of(*region, step);
        }
    }

    void learn_of(Region& region, const Step& step) {
        const auto [first, last] = region.pages(step);
        switch (step.call) {
            case Call::setsize:
                region.resized(step.arguments[1]);
                break;
            case Call::setmask:
                region.masked(step.arguments[1]);
                break;
            case Call::mmap:
                region.mapped();
                break;
            case Call::pin:
                region.pinned(first, last);
                break;
            case Call::unpin:
                region.unpinned(first, last);
                break;
            default:
                break;
        }
    }

    void count(const Step& step, const char* what) {
        if (census_) ++(*census_)[std::string(name_of(step.call)) + ' ' + what];
    }

    bool avoid_;
    Census* census_;
    std::array<Line, most_actors> lines_;
    std::array<pid_t, most_actors> processes_{};
    std::array<Slots, most_actors> slots_;
    std::ostringstream log_;
    std::size_t avoided_ = 0;
};

} // namespace

Transcript run(const Program& program, bool avoid, Census* census) {
    Company company(avoid, census);
    for (const Step& step : program)
        company.step(step);
    return company.finish();
}

} // namespace differential

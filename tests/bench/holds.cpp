// SPDX-License-Identifier: Apache-2.0
// (e) The longest hold of each of the driver's locks, by the lock events of a kernel with
// lockdep. Such a kernel checks each access to memory and each lock, so that its
// microseconds are many more than those of an ordinary one; they say what grows.
//
// On one processor nobody waits for a spinlock. What waits for a mutex is counted as held.
#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include "costs/shapes.hpp"
#include "questions.hpp"
#include "support/tracefs.hpp"
#include "turns.hpp"

namespace bench {
namespace {

using costs::Shape;
namespace tracefs = test::tracefs;

// Parts of the names that lockdep has for them, and what they are. The lists of inodes and
// dentries have locks of the same class as ours.
struct Lock {
    const char* named;
    const char* what;
};
constexpr Lock locks[] = {{"region->lock", "a region's lock"},
                          {"purge_all_lock", "purge_all_lock"},
                          {"lru->node", "a list's lock"}};

struct Event {
    std::string lock; // its address
    std::string name;
    double at;
    bool taken;
};

// "task-PID [000] d..1. 12.345678: lock_acquire: 00000000deadbeef try read &region->lock"
bool parse(const std::string& line, Event& event) {
    const std::size_t kind = line.find(": lock_");
    if (kind == std::string::npos) return false;
    event.at = std::stod(line.substr(line.rfind(' ', kind) + 1));
    std::istringstream words(line.substr(kind + 2));
    std::string what;
    words >> what >> event.lock;
    event.taken = what == "lock_acquire:";
    while (words >> what)
        event.name = what;
    return true;
}

// of each name, in microseconds
using Longest = std::map<std::string, double>;

Longest longest_holds() {
    std::map<std::string, double> since;
    Longest longest;
    for (const std::string& line : tracefs::lines()) {
        Event event;
        if (!parse(line, event)) continue;
        if (event.taken) {
            since[event.lock] = event.at;
        } else if (const auto found = since.find(event.lock); found != since.end()) {
            double& most = longest[event.name];
            most = std::max(most, (event.at - found->second) * 1e6);
            since.erase(found);
        }
    }
    return longest;
}

class Recording {
public:
    Recording() {
        for (const char* event : events) {
            tracefs::set(std::string(event) + "/filter", filter());
            tracefs::set(std::string(event) + "/enable", "1");
        }
        tracefs::set("buffer_size_kb", "65536");
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    ~Recording() {
        for (const char* event : events)
            tracefs::set(std::string(event) + "/enable", "0");
    }
    template <typename Work>
    Longest of(Work work) const {
        tracefs::restart();
        work();
        tracefs::set("tracing_on", "0");
        return longest_holds();
    }

private:
    static constexpr const char* events[] = {"events/lock/lock_acquire",
                                             "events/lock/lock_release"};
    static std::string filter() {
        std::string all;
        for (const Lock& lock : locks)
            all += (all.empty() ? "" : " || ") + std::string("name ~ \"*") + lock.named + "*\"";
        return all;
    }
};

void ask(Report& report, const Recording& recording, const std::string& what,
         const std::function<void()>& work) {
    const Longest longest = recording.of(work);
    for (const Lock& lock : locks)
        for (const auto& [name, most] : longest)
            if (name.find(lock.named) != std::string::npos)
                add(report, {"e", std::string("longest hold of ") + lock.what + ": " + what, "us"},
                    "ashmem", most);
}

} // namespace

void ask_holds(Report& report) {
    constexpr Shape large{false, false}, scattered{false, true};
    const Recording recording;
    costs::settle_reclaim();
    for (const Shape& shape : {large, scattered}) {
        const std::string what = shape.singles ? "8192 single pages" : "one range of 64 MiB";
        {
            const costs::Unpinned unpinned(shape);
            ask(report, recording, "purge of " + what, [&] { unpinned.purge_all(); });
        }
        {
            const costs::Unpinned unpinned(shape);
            ask(report, recording, "drop_caches of " + what, [] { costs::drop_caches(); });
        }
        const costs::Unpinned unpinned(shape);
        ask(report, recording, "PIN of " + what,
            [&] { costs::pin_call(unpinned.fd(), ASHMEM_PIN, 0, 0); });
    }
}

} // namespace bench

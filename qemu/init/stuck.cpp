// SPDX-License-Identifier: Apache-2.0
// Ends a guest whose processes wait for ever. A thread that computes uses its processor, and
// one that waits is switched away and back; threads that wait for each other do neither.
#include <dirent.h>

#include <ctime>
#include <functional>
#include <memory>

#include "guest.hpp"

namespace vm {
namespace {

void for_each_number(const std::string& folder,
                     const std::function<void(const std::string&)>& work) {
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{::opendir(folder.c_str()), ::closedir};
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') work(entry->d_name);
}

// Every thread of every process but the first and this one, by its folder. The kernel's own
// threads have no memory.
void for_each_thread(
    const std::function<void(const std::string& folder, const std::string& status)>& work) {
    const std::string self = std::to_string(::getpid());
    for_each_number("/proc", [&](const std::string& process) {
        if (process == "1" || process == self) return;
        const std::string threads = "/proc/" + process + "/task/";
        for_each_number(threads, [&](const std::string& thread) {
            const std::string status = read_file((threads + thread + "/status").c_str());
            if (status.find("\nVmSize:") != std::string::npos) work(threads + thread, status);
        });
    });
}

// a line of a file that has a name and a value in each
std::string value_of(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + ":\t");
    if (at == std::string::npos) return {};
    const size_t from = at + name.size() + 3;
    return text.substr(from, text.find('\n', from) - from);
}

// the processor time that a thread used, in ticks: fields 14 and 15, of which the second
// holds the name and may have spaces
std::string ticks_of(const std::string& folder) {
    const std::string stat = read_file((folder + "/stat").c_str());
    size_t at = stat.rfind(')');
    for (int field = 2; field < 13 && at != std::string::npos; ++field)
        at = stat.find(' ', at + 1);
    if (at == std::string::npos) return {};
    return stat.substr(at, stat.find(' ', stat.find(' ', at + 1) + 1) - at);
}

// changes as long as any thread does something
std::string progress() {
    std::string text;
    for_each_thread([&](const std::string& folder, const std::string& status) {
        text += folder + ' ' + value_of(status, "voluntary_ctxt_switches") + ' ' +
                value_of(status, "nonvoluntary_ctxt_switches") + ticks_of(folder) + '\n';
    });
    return text;
}

// A machine that was stopped for a while counts one look only.
void wait_until_stuck(unsigned seconds) {
    constexpr unsigned looks = 6;
    const timespec pause{static_cast<time_t>(seconds / looks),
                         static_cast<long>(seconds % looks) * 1'000'000'000 / looks};
    std::string before;
    for (unsigned same = 0; same < looks;) {
        ::nanosleep(&pause, nullptr);
        std::string now = progress();
        same = now == before ? same + 1 : 0;
        before = std::move(now);
    }
}

void record_waiting(const Channel& channel) {
    for_each_thread([&](const std::string& folder, const std::string& status) {
        channel.record("waits " + folder + " " + value_of(status, "State"));
        for (const std::string& line : read_lines((folder + "/stack").c_str()))
            channel.record("waits   " + line);
    });
}

} // namespace

void watch_for_stuck(const Channel& channel, unsigned seconds) {
    if (::fork() != 0) return;
    write_file("/proc/self/oom_score_adj", "-1000");
    wait_until_stuck(seconds);
    // The output may have ended inside a line.
    channel.record("");
    record_waiting(channel);
    channel.record("stuck " + std::to_string(seconds));
    channel.drain();
    power_off();
}

} // namespace vm

// SPDX-License-Identifier: Apache-2.0
// The guest's first process: prepares the guest, runs one command, reports its status and
// ends the guest. The host decides the verdict.
#include <sys/klog.h>

#include <cstdlib>

#include "guest.hpp"

namespace {

using namespace vm;

// Shows everything up to "info" on the console, where the host looks for warnings.
void raise_console_level() {
    constexpr int set_level = 8;
    constexpr int up_to_info = 7;
    ::klogctl(set_level, nullptr, up_to_info);
}

void set_environment() {
    ::setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
    ::setenv("HOME", "/", 1);
    ::setenv("TERM", "linux", 0);
}

// Applets never replace a file that the host put there; busybox reports each of these.
void install_busybox() {
    const Fd null{"/dev/null", O_RDWR};
    run_command({"/bin/busybox", "--install", "-s", "/bin"}, null.get());
}

std::string prepare(const Config& config) {
    if (::access("/bin/busybox", X_OK) == 0) install_busybox();
    if (std::string failure = load_modules("/vm/modules"); !failure.empty()) return failure;
    std::string failure;
    if (const auto swap = config.find("swap"); swap != config.end())
        failure = start_swap(swap->second);
    if (const auto zram = config.find("zram"); failure.empty() && zram != config.end())
        failure = start_zram(zram->second);
    return failure;
}

unsigned number(const std::string& text) {
    return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
}

// A command that ended early may not have written its files.
void record_files(const Channel& channel) {
    int number = 0;
    for (const std::string& path : read_lines("/vm/get"))
        if (!record_file(channel, std::to_string(++number), path))
            channel.record("fail " + errno_text("cannot get " + path));
}

void run_and_report(const Channel& channel, const std::string& taint_before,
                    unsigned stuck_seconds) {
    const std::vector<std::string> argv = read_lines("/vm/command");
    if (argv.empty()) {
        channel.record("status exit 0");
    } else {
        clear_leaks();
        if (stuck_seconds > 0) watch_for_stuck(channel, stuck_seconds);
        const Outcome outcome = run_command(argv, channel.fd());
        end_all_processes();
        // The output may have ended inside a line.
        channel.record("");
        if (!outcome.failure.empty()) channel.record("fail " + outcome.failure);
        record_files(channel);
        channel.record("status " + outcome.status);
    }
    record_checks(channel, taint_before);
}

} // namespace

int main() {
    set_environment();
    const std::string mount_failure = mount_all();
    raise_console_level();
    Config config = read_config("/vm/config");
    const Channel channel{config["results"]};
    // Without a channel there is no trailer, so the host's verdict is lost.
    if (!channel) power_off();
    const std::string taint_before = taint();
    std::string failure = mount_failure.empty() ? start_processors() : mount_failure;
    channel.record("begin");
    if (failure.empty()) failure = prepare(config);
    if (!failure.empty()) {
        channel.record("fail " + failure);
        record_checks(channel, taint_before);
    } else if (config.contains("shell")) {
        run_shell(config);
    } else {
        run_and_report(channel, taint_before, number(config["stuck"]));
    }
    channel.record("end");
    channel.drain();
    power_off();
}

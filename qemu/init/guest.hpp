// SPDX-License-Identifier: Apache-2.0
// The parts of the guest's first process, one source file each.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fd.hpp"

namespace vm {

using Config = std::map<std::string, std::string>;

// files.cpp
std::string read_file(const char* path);
std::vector<std::string> read_lines(const char* path);
Config read_config(const char* path);
bool write_file(const char* path, std::string_view data);
std::string errno_text(std::string_view what);

// channel.cpp: the serial line to the host, with our records in it
class Channel {
public:
    explicit Channel(const std::string& tty);
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    int fd() const noexcept { return fd_.get(); }
    void record(const std::string& text) const;
    void drain() const;

private:
    Fd fd_;
};

// Each of these returns what went wrong, or nothing.
std::string mount_all();                           // mounts.cpp
std::string start_processors();                    // processors.cpp
std::string load_modules(const char* list);        // modules.cpp
std::string start_swap(const std::string& device); // swap.cpp
std::string start_zram(const std::string& mebibytes);

// stuck.cpp: ends the guest when no process has done anything for so long
void watch_for_stuck(const Channel& channel, unsigned seconds);

// command.cpp
struct Outcome {
    std::string status; // "exit N" or "signal N"
    std::string failure;
};
Outcome run_command(std::vector<std::string> argv, int output);
void run_shell(const Config& config);
void end_all_processes();

// results.cpp: sends a file to the host; false if it cannot be read
bool record_file(const Channel& channel, const std::string& number, const std::string& path);

// checks.cpp: what the kernel found
std::string taint();
void clear_leaks();
void record_checks(const Channel& channel, const std::string& taint_before);

[[noreturn]] void power_off(); // power.cpp

} // namespace vm

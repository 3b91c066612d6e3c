// SPDX-License-Identifier: Apache-2.0
// Reads files, /proc and memory figures, and starts the demo's other programs.
#include "system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <ashmem/unique_fd.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

namespace demo {
namespace {

/** The child's side of start(): becomes the program, or ends. */
[[noreturn]] void become(std::vector<char*>& arguments, int output, int processes, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool placed = processes < 0 || ::write(processes, "0", 1) == 1;
    if (placed && ::getppid() == parent && ::dup2(output, STDOUT_FILENO) >= 0) {
        ::execv(arguments[0], arguments.data());
    }
    std::perror(arguments[0]);
    ::_exit(127);
}

} // namespace

std::uint64_t number_after(const char* path, const std::string& key) {
    std::ifstream file(path);
    std::string word;
    std::uint64_t number = 0;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        if (words >> word && word == key && words >> number) return number;
    }
    return 0;
}

MapsLine maps_line(const void* address) {
    std::array<char, 32> start{};
    std::snprintf(start.data(), start.size(), "%lx-", reinterpret_cast<unsigned long>(address));
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        // The kernel pads addresses to eight digits, which all of ours exceed.
        if (!line.starts_with(start.data())) continue;
        std::istringstream words(line);
        std::string range;
        std::string rights;
        std::string offset;
        std::string device;
        MapsLine found;
        std::string path;
        words >> range >> rights >> offset >> device >> found.inode >> std::ws;
        std::getline(words, path);
        found.text.append(range).append(" ").append(rights).append(" ").append(offset);
        found.text.append(" ").append(device).append(" ").append(found.inode);
        found.text.append(" ").append(path);
        return found;
    }
    return {"(no such line)", "none"};
}

std::vector<std::byte> read_file(const std::string& path) {
    const ashmem::unique_fd fd(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str()));
    std::vector<std::byte> bytes;
    std::vector<std::byte> chunk(std::size_t{1} << 20);
    for (ssize_t got = 1; got > 0;) {
        got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got < 0) throw std::system_error(errno, std::generic_category(), path);
        bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
    }
    return bytes;
}

std::uint64_t meminfo(const std::string& key) {
    return number_after("/proc/meminfo", key + ":") * 1024;
}

std::uint64_t vmstat(const std::string& key) {
    return number_after("/proc/vmstat", key);
}

std::string sibling(const std::string& name) {
    std::array<char, 4096> self{};
    check(static_cast<int>(::readlink("/proc/self/exe", self.data(), self.size() - 1)),
          "readlink /proc/self/exe");
    const std::string path = self.data();
    return path.substr(0, path.rfind('/') + 1) + name;
}

pid_t start(const std::vector<std::string>& command, int output, const std::string& cgroup) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);

    ashmem::unique_fd processes;
    if (const std::string path = cgroup + "/cgroup.procs"; !cgroup.empty())
        processes.reset(check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str()));
    const pid_t parent = ::getpid();
    const pid_t child = check(::fork(), "fork");
    if (child == 0) become(arguments, output, processes.get(), parent);
    return child;
}

int check(int answer, const char* operation) {
    if (answer == -1) throw std::system_error(errno, std::generic_category(), operation);
    return answer;
}

std::span<std::byte> map_region(int fd, std::size_t size) {
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return {static_cast<std::byte*>(data), size};
}

} // namespace demo

// SPDX-License-Identifier: Apache-2.0
// Makes and removes a memory cgroup, and reads and writes its files.
#include "support/cgroup.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/process.hpp"

namespace test {
namespace {

void check(long ret, const std::string& what) {
    if (ret < 0) throw std::system_error(static_cast<int>(-ret), std::generic_category(), what);
}

} // namespace

Cgroup::Cgroup(const std::string& name, const std::string& parent) : path_(parent + '/' + name) {
    const std::string control = parent + "/cgroup.subtree_control";
    // v1 has no such file: there every group has the controller
    if (access(control.c_str(), F_OK) == 0) check(write_file(control, "+memory"), control);
    check(mkdir(path_.c_str(), 0755) == 0 ? 0 : -errno, path_);
}

Cgroup::~Cgroup() {
    if (path_.empty()) return;
    try {
        std::istringstream processes(text("cgroup.procs"));
        for (pid_t pid = 0; processes >> pid;)
            if (pid > 0 && pid != getpid()) kill(pid, SIGKILL);
        remove();
    } catch (const std::exception&) {
        // it stays, empty or not, and the next of this name is refused
    }
}

bool Cgroup::has(const std::string& file) const {
    return access((path_ + '/' + file).c_str(), F_OK) == 0;
}

void Cgroup::join(pid_t pid) const {
    set("cgroup.procs", std::to_string(pid));
}

void Cgroup::set(const std::string& file, const std::string& text) const {
    check(write_file(path_ + '/' + file, text), path_ + '/' + file + " = " + text);
}

std::string Cgroup::text(const std::string& file) const {
    if (!has(file)) throw std::runtime_error("no " + path_ + '/' + file);
    return read_file(path_ + '/' + file);
}

std::uint64_t Cgroup::number(const std::string& file) const {
    return std::stoull(text(file));
}

std::uint64_t Cgroup::key(const std::string& file, const std::string& key) const {
    std::istringstream lines(text(file));
    std::string word;
    for (std::uint64_t number = 0; lines >> word >> number;)
        if (word == key) return number;
    throw std::runtime_error(path_ + '/' + file + " has no " + key);
}

void Cgroup::remove() {
    if (path_.empty()) return;
    int ret = 0;
    for (int i = 0; i < 500; ++i) {
        ret = rmdir(path_.c_str()) == 0 ? 0 : -errno;
        if (ret != -EBUSY) break;
        usleep(10000);
    }
    check(ret, path_);
    path_.clear();
}

} // namespace test

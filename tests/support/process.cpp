// SPDX-License-Identifier: Apache-2.0
// Forks, gives up privileges, and reads what the kernel says of memory in /proc.
#include "process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace test {

namespace {

int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::uint64_t number_after(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
        std::uint64_t number = 0;
        if (word == key && file >> number) return number;
    }
    throw std::runtime_error(path + " has no " + key);
}

struct SlabLine {
    std::uint64_t active = 0, all = 0, size = 0;
};

SlabLine slab_line(const std::string& name) {
    std::ifstream file("/proc/slabinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string slab;
        SlabLine found;
        if (words >> slab >> found.active >> found.all >> found.size && slab == name) return found;
    }
    throw std::runtime_error("no slab " + name + ": boot with slab_nomerge");
}

} // namespace

Child::Child(const std::function<int()>& work) : pid_(fork()) {
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) {
        int ret = 127;
        try {
            ret = work();
        } catch (const std::exception&) {
        }
        _exit(ret);
    }
}

Child::~Child() {
    kill();
    wait();
}

bool Child::running() {
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
}

void Child::kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Child::wait() {
    if (pid_ > 0) {
        while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }
    return exit_code(status_);
}

int in_child(const std::function<int()>& work) {
    return Child(work).wait();
}

void drop_capabilities() {
    cap_t none = cap_init();
    const int ret = cap_set_proc(none);
    cap_free(none);
    if (ret != 0) fail("cap_set_proc");
}

void become_nobody() {
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) fail("setuid");
}

void become_root_of_namespace() {
    const std::string uid = std::to_string(getuid()), gid = std::to_string(getgid());
    if (unshare(CLONE_NEWUSER) != 0) fail("unshare");
    if (write_file("/proc/self/setgroups", "deny") != 0 ||
        write_file("/proc/self/uid_map", "0 " + uid + " 1") != 0 ||
        write_file("/proc/self/gid_map", "0 " + gid + " 1") != 0)
        throw std::runtime_error("no map into the user namespace");
    cap_t own = cap_get_proc();
    cap_flag_value_t admin = CAP_CLEAR;
    cap_get_flag(own, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
    cap_free(own);
    if (getuid() != 0 || admin != CAP_SET) throw std::runtime_error("not root of it");
}

int rounds(int count) {
    static const int scale = [] {
        const char* given = std::getenv("ASHMEM_TEST_SCALE");
        const int divisor = given ? std::atoi(given) : 1;
        if (divisor < 1) throw std::runtime_error("ASHMEM_TEST_SCALE is not a number from 1 up");
        return divisor;
    }();
    return std::max(count / scale, 1);
}

bool squeeze_until(const std::function<bool()>& enough, int times) {
    constexpr std::size_t mib = std::size_t{1} << 20;
    const std::size_t most = meminfo("MemTotal") + meminfo("SwapTotal") * 3 / 4;
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto take = [&] {
        void* memory = mmap(nullptr, most, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return false;
        // the kernel would spend its time on making huge pages
        madvise(memory, most, MADV_NOHUGEPAGE);
        bool came = false;
        for (std::size_t at = 0; at < most && !came; at += page) {
            static_cast<volatile char*>(memory)[at] = static_cast<char>(at >> 12 | 1);
            came = at % mib == 0 && enough();
        }
        munmap(memory, most);
        return came;
    };
    return in_child([&] {
               write_file("/proc/self/oom_score_adj", "1000");
               for (int round = 0; round < times; ++round)
                   if (take()) return 0;
               return 1;
           }) == 0;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

long write_file(const std::string& path, const std::string& text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    const long ret = write(fd, text.data(), text.size()) < 0 ? -errno : 0;
    close(fd);
    return ret;
}

std::uint64_t meminfo(const std::string& key) {
    return number_after("/proc/meminfo", key + ':') * 1024;
}

std::uint64_t own_memory(const std::string& key) {
    return number_after("/proc/self/smaps_rollup", key + ':') * 1024;
}

std::uint64_t vmstat(const std::string& key) {
    return number_after("/proc/vmstat", key);
}

std::uint64_t slab_objects(const std::string& name) {
    // free objects that wait on a CPU count as used until they are collected
    write_file("/sys/kernel/slab/" + name + "/shrink", "1");
    return slab_line(name).active;
}

std::uint64_t slab_object_size(const std::string& name) {
    return slab_line(name).size;
}

} // namespace test

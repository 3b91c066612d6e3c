// SPDX-License-Identifier: Apache-2.0
// Sends what no library would, and counts what is left open.
#include "support/sockets.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "support/process.hpp"

namespace test {

namespace {

std::atomic<int> interrupted{0};

void need(bool fine, const char* what) {
    if (!fine) throw std::system_error(errno, std::generic_category(), what);
}

bool ready(int socket, short events) {
    pollfd asked{socket, events, 0};
    need(poll(&asked, 1, 0) >= 0, "poll");
    return (asked.revents & events) != 0;
}

} // namespace

std::pair<ashmem::unique_fd, ashmem::unique_fd> socket_pair(int type) {
    std::array<int, 2> ends{};
    need(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
    return {ashmem::unique_fd(ends[0]), ashmem::unique_fd(ends[1])};
}

void send_raw(int socket, std::span<const std::byte> bytes, const std::vector<int>& fds) {
    iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    need(sent == static_cast<ssize_t>(bytes.size()), "sendmsg");
}

void drain(int socket) {
    std::vector<char> bytes(std::size_t{1} << 16);
    while (recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
}

bool readable(int socket) {
    return ready(socket, POLLIN);
}

bool writable(int socket) {
    return ready(socket, POLLOUT);
}

void set_nonblocking(int socket) {
    need(fcntl(socket, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    // one of them is that of the directory
    return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;
}

void leave_numbers(std::size_t count) {
    const auto free = static_cast<rlim_t>(fcntl(0, F_DUPFD_CLOEXEC, 0));
    close(static_cast<int>(free));
    // numbers that are free below others would be more than asked for
    for (rlim_t next = free; next < free + count; ++next)
        if (fcntl(static_cast<int>(next), F_GETFD) != -1)
            throw std::runtime_error("the free numbers are not in a row");
    const rlimit few{free + count, free + count};
    need(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
}

int in_time(const std::function<int()>& work) {
    return in_child([&] {
        alarm(30);
        return work();
    });
}

pid_t this_thread() {
    return static_cast<pid_t>(syscall(SYS_gettid));
}

void wait_until_asleep(pid_t thread) {
    const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
    for (char state = 0; state != 'S'; std::this_thread::yield()) {
        const std::string line = read_file(path);
        state = line.at(line.rfind(')') + 2);
    }
}

void interrupt(pid_t thread, int times) {
    struct sigaction action {};
    action.sa_handler = [](int) { ++interrupted; };
    need(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
    for (int i = 0; i < times; ++i) {
        wait_until_asleep(thread);
        const int before = interrupted;
        need(syscall(SYS_tgkill, getpid(), thread, SIGUSR1) == 0, "tgkill");
        while (interrupted == before)
            std::this_thread::yield();
    }
}

} // namespace test

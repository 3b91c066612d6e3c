// SPDX-License-Identifier: Apache-2.0
// The processes of the guest: the command under test, or a shell.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

#include "guest.hpp"

namespace vm {
namespace {

std::vector<char*> exec_vector(std::vector<std::string>& argv) {
    std::vector<char*> pointers;
    pointers.reserve(argv.size() + 1);
    for (std::string& argument : argv)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    return pointers;
}

// Reaps orphans too; only the child's own status counts.
int wait_for(pid_t child) {
    int status = 0;
    for (;;) {
        const pid_t pid = ::waitpid(-1, &status, 0);
        if (pid == child) return status;
        if (pid < 0 && errno != EINTR) return -1;
    }
}

[[noreturn]] void exec_or_report(std::vector<std::string>& argv, int report) {
    const std::vector<char*> pointers = exec_vector(argv);
    ::execvp(pointers[0], pointers.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t sent = ::write(report, &error, sizeof(error));
    ::_exit(127);
}

void redirect(int input, int output) {
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
}

void set_window(int tty, const Config& config) {
    const auto number = [&config](const char* key) -> unsigned short {
        const auto found = config.find(key);
        return found == config.end()
                   ? 0
                   : static_cast<unsigned short>(std::atoi(found->second.c_str()));
    };
    winsize size{};
    size.ws_row = number("rows");
    size.ws_col = number("cols");
    ::ioctl(tty, TIOCSWINSZ, &size);
}

// /dev/console cannot be a controlling terminal; the terminal behind it can.
std::string console_tty() {
    std::string active = read_file("/sys/class/tty/console/active");
    active.erase(active.find_last_not_of(" \n") + 1);
    return "/dev/" + active.substr(active.rfind(' ') + 1);
}

} // namespace

Outcome run_command(std::vector<std::string> argv, int output) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {"exit 127", errno_text("pipe")};
    const Fd reader{ends[0]};
    Fd writer{ends[1]};
    const pid_t child = ::fork();
    if (child < 0) return {"exit 127", errno_text("fork")};
    if (child == 0) {
        ::setsid();
        const Fd null{"/dev/null", O_RDONLY};
        redirect(null.get(), output);
        exec_or_report(argv, writer.get());
    }
    writer = Fd{};
    int error = 0;
    const bool started = ::read(reader.get(), &error, sizeof(error)) <= 0;
    const int status = wait_for(child);
    if (!started) {
        errno = error;
        return {"exit 127", errno_text("command " + argv[0])};
    }
    if (WIFSIGNALED(status)) return {"signal " + std::to_string(WTERMSIG(status)), {}};
    return {"exit " + std::to_string(WEXITSTATUS(status)), {}};
}

void run_shell(const Config& config) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        const Fd tty{console_tty().c_str(), O_RDWR};
        ::ioctl(tty.get(), TIOCSCTTY, 0);
        set_window(tty.get(), config);
        redirect(tty.get(), tty.get());
        ::execl("/bin/busybox", "sh", "-i", nullptr);
        ::_exit(127);
    }
    wait_for(child);
}

void end_all_processes() {
    ::kill(-1, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

} // namespace vm

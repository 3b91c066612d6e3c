// SPDX-License-Identifier: Apache-2.0
// `ashmem top`, at a terminal and without one.
#include <pty.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/seccomp.hpp"
#include "tool/tool.hpp"

using namespace test;

namespace {

std::size_t lists_in(const std::string& text) {
    std::size_t lists = 0;
    for (std::size_t at = 0; (at = text.find("HOLDERS", at)) != std::string::npos; ++at)
        ++lists;
    return lists;
}

// `ashmem top` at a terminal of a kind, or of none.
class Terminal {
public:
    Terminal(const char* kind, std::vector<std::string> words) {
        words.insert(words.begin(), {tool_path(), "top"});
        std::vector<char*> pointers;
        pointers.reserve(words.size() + 1);
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        child_ = forkpty(&fd_, nullptr, nullptr, nullptr);
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            if (kind != nullptr)
                setenv("TERM", kind, 1);
            else
                unsetenv("TERM");
            execv(pointers[0], pointers.data());
            _exit(125);
        }
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        if (kill(child_, SIGKILL) == 0) waitpid(child_, nullptr, 0);
        close(fd_);
    }

    // Reads until so many lists are there: then it listens. 0 is until its end.
    void read_lists(std::size_t count) {
        char buffer[4096];
        while (count == 0 || lists_in(text_) < count) {
            const ssize_t got = read(fd_, buffer, sizeof(buffer));
            if (got <= 0) break;
            text_.append(buffer, static_cast<std::size_t>(got));
        }
    }
    void press(char key) const { REQUIRE(write(fd_, &key, 1) == 1); }
    // Its exit code, or 128 plus a signal; -1 if it did not end in five seconds.
    [[nodiscard]] int status() const {
        int status = -1;
        for (int i = 0; i < 100 && waitpid(child_, &status, WNOHANG) == 0; ++i)
            usleep(50'000);
        if (status == -1) return -1;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    int fd_ = -1;
    pid_t child_ = -1;
    std::string text_;
};

int ended_by(char key) {
    Terminal terminal("xterm", {"--delay", "60"});
    terminal.read_lists(1);
    terminal.press(key);
    return terminal.status();
}

} // namespace

TEST_CASE("top repeats the list so many times, without codes for a terminal where there is none",
          "[tool]") {
    const Answer answer = run_tool({"top", "--iterations", "3", "--delay", "0.1"});
    CHECK(answer.status == 0);
    CHECK_FALSE(answer.names("\x1b"));
    CHECK(lists_in(answer.text) == 3);
}

TEST_CASE("top ends by q, and by ^C", "[tool]") {
    CHECK(ended_by('q') == 0);
    CHECK(ended_by('\x03') == 128 + SIGINT);
}

TEST_CASE("top goes on at any other key", "[tool]") {
    Terminal terminal("xterm", {"--iterations", "2", "--delay", "0.5"});
    terminal.read_lists(1);
    terminal.press('x');
    terminal.read_lists(0);
    CHECK(terminal.status() == 0);
    CHECK(lists_in(terminal.text()) == 2);
}

TEST_CASE("top clears the screen of a terminal that can, and no other", "[tool]") {
    for (const char* const kind : {"xterm", "dumb", static_cast<const char*>(nullptr)}) {
        Terminal terminal(kind, {"--iterations", "2", "--delay", "0.1"});
        terminal.read_lists(0);
        CHECK(terminal.status() == 0);
        CHECK(lists_in(terminal.text()) == 2);
        const bool cleared = terminal.text().find("\x1b[2J") != std::string::npos;
        CHECK(cleared == (kind != nullptr && std::string(kind) == "xterm"));
    }
}

TEST_CASE("top ends when its terminal is gone", "[tool]") {
    // one that sends no signal, for it controls nobody
    int master = -1, slave = -1, ends[2];
    REQUIRE(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    REQUIRE(pipe(ends) == 0);
    Child child([&] {
        close(master);
        dup2(slave, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        alarm(20);
        execl(tool_path().c_str(), "ashmem", "top", "--delay", "60", nullptr);
        return 125;
    });
    close(slave);
    close(ends[1]);
    char byte = 0;
    CHECK(read(ends[0], &byte, 1) == 1); // so it listens
    close(master);
    CHECK(child.wait() == 0);
    close(ends[0]);
}

TEST_CASE("top does not spin where it can't wait", "[tool]") {
    const std::vector<std::string> words = {"top", "--iterations", "2", "--delay", "0.1"};
    const Answer refused = run_tool(words, [] { refuse_call(SYS_ppoll, EPERM); });
    CHECK(refused.status == 0);
    CHECK(lists_in(refused.text) == 1);
    // a signal that is none of its own ends a wait, but not the delay
    const Answer interrupted = run_tool(words, [] { refuse_call(SYS_ppoll, EINTR); });
    CHECK(interrupted.status == 0);
    CHECK(lists_in(interrupted.text) == 2);
}

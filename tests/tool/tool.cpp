// SPDX-License-Identifier: Apache-2.0
// A child that becomes the tool and writes into two files.
#include "tool/tool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "support/process.hpp"

namespace test {
namespace {

namespace fs = std::filesystem;

// A file without a name, for one stream of output.
class Output {
public:
    Output() : fd_(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) { REQUIRE(fd_ >= 0); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { close(fd_); }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::string text() const {
        std::string all;
        char buffer[65536];
        off_t at = 0;
        for (ssize_t got; (got = pread(fd_, buffer, sizeof(buffer), at)) > 0; at += got)
            all.append(buffer, static_cast<std::size_t>(got));
        return all;
    }

private:
    int fd_;
};

} // namespace

std::string tool_path() {
    const fs::path built = fs::read_symlink("/proc/self/exe").parent_path() / "../lib/tools/ashmem";
    return fs::exists(built) ? built.string() : "/bin/ashmem";
}

Answer run_tool(const std::vector<std::string>& arguments, const std::function<void()>& prepare) {
    const Output out;
    const Output errors;
    std::vector<std::string> words = {tool_path()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Answer answer;
    answer.status = in_child([&] {
        prepare();
        std::vector<char*> pointers;
        pointers.reserve(words.size() + 1);
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        if (dup2(out.fd(), STDOUT_FILENO) < 0 || dup2(errors.fd(), STDERR_FILENO) < 0) return 125;
        execv(pointers[0], pointers.data());
        return 125;
    });
    answer.text = out.text();
    answer.errors = errors.text();
    return answer;
}

} // namespace test

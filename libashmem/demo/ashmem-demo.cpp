// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The director: starts the programs of the demo, shows what they tell, and
 * compares what they saw.
 *
 *     ashmem-demo FILE
 *
 * Ends with 0 if every step held, 1 if not, 2 if it could not begin.
 */
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ashmem/unique_fd.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>

#include "container.hpp"
#include "sha256.hpp"
#include "story.hpp"
#include "system.hpp"

namespace {

using demo::check;
using demo::commas;
using demo::Story;

// Frames of act four, the last of which becomes a picture in the root folder.
constexpr char frames[] = "31";

// Act two takes all memory there is. That is for a virtual machine.
constexpr std::uint64_t max_memory = std::uint64_t{4} << 30;

/** A program that was started, and the facts that it told so far. */
class Actor final {
public:
    explicit Actor(const std::vector<std::string>& command, const std::string& cgroup = {}) {
        int ends[2];
        check(::pipe2(ends, O_CLOEXEC), "pipe");
        lines_.reset(::fdopen(ends[0], "r"));
        const ashmem::unique_fd output(ends[1]);
        pid_ = demo::start(command, output.get(), cgroup);
    }

    /** Show what the program tells, until it tells this fact or ends. */
    void follow(const std::string& until = "") {
        char line[1024];
        while (std::fgets(line, sizeof(line), lines_.get()) != nullptr) {
            if (line[0] != '=') {
                std::fputs(line, stdout);
                continue;
            }
            const std::string text(line + 1, std::strcspn(line + 1, "\n"));
            const std::size_t blank = text.find(' ');
            const std::string key = text.substr(0, blank);
            facts_[key] = text.substr(blank + 1);
            if (key == until) return;
        }
    }

    /** Follow the program to its end; true if all of its steps held. */
    bool finish() {
        follow();
        int status = 0;
        check(::waitpid(pid_, &status, 0), "waitpid");
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

    [[nodiscard]] std::string fact(const std::string& key) const {
        const auto found = facts_.find(key);
        return found != facts_.end() ? found->second : "nothing";
    }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> lines_;
    std::map<std::string, std::string> facts_;
    pid_t pid_ = -1;
};

/** The reason why the demo can't begin; empty if it can. */
std::string obstacle(const char* path) {
    const std::string file = std::string("the file ") + path;
    struct stat status {};
    if (::stat(path, &status) != 0) return file + ": " + std::strerror(errno);
    if (!S_ISREG(status.st_mode)) return file + " is not a regular file";
    if (status.st_size == 0) return file + " is empty: a region needs at least one byte";
    if (::access(path, R_OK) != 0) return file + ": " + std::strerror(errno);
    const std::uint64_t memory = demo::meminfo("MemTotal");
    if (memory > max_memory) {
        return "this machine has more than 4 GiB of memory, and the demo would use it all up: "
               "run it in a small virtual machine";
    }
    if (static_cast<std::uint64_t>(status.st_size) > memory / 8) {
        return file + " is larger than an eighth of this machine's memory";
    }
    if (ashmem_device_is_supported() == 0) {
        return std::string("no ashmem device: ") + std::strerror(errno) + ": is the module loaded?";
    }
    return {};
}

bool act_one(Story& story, const char* file, const std::string& digest) {
    std::puts("\nAct one: one program hands a region to another, for reading only");
    char directory[] = "/tmp/ashmem-demo-XXXXXX";
    ::mkdir("/tmp", 01777);
    if (::mkdtemp(directory) == nullptr) check(-1, directory);
    const std::string socket = std::string(directory) + "/socket";

    Actor server({demo::sibling("ashmem-demo-server"), file, socket});
    server.follow("listening");
    if (server.fact("listening") != socket) {
        server.finish();
        ::rmdir(directory);
        return false;
    }
    Actor client({demo::sibling("ashmem-demo-client"), socket});
    bool held = server.finish();
    held = client.finish() && held;
    ::unlink(socket.c_str());
    ::rmdir(directory);

    const std::string numbers = server.fact("fd") + " there, " + client.fact("fd") + " here";
    if (server.fact("inode") == client.fact("inode") && server.fact("fd") != client.fact("fd")) {
        story.ok("one file, inode %s, by two descriptors: %s", client.fact("inode").c_str(),
                 numbers.c_str());
    } else {
        story.failed("region in server and client", "one inode, two descriptor numbers",
                     server.fact("inode") + " and " + client.fact("inode") + ", " + numbers);
        held = false;
    }
    const bool same = client.fact("sha256") == digest;
    return story.expect("SHA-256 in the client", "that of the file",
                        same ? "that of the file" : client.fact("sha256")) &&
           held;
}

bool act_two(const char* file) {
    std::puts("\nAct two: memory runs out, and only what was unpinned goes");
    return Actor({demo::sibling("ashmem-demo-cache"), file}).finish();
}

bool act_three() {
    std::puts("\nAct three: Binder hands a heap to another process, whose owner then dies");
    return Actor({demo::sibling("binder-pair")}).finish();
}

bool act_four() {
    std::puts("\nAct four: four clients draw, and a compositor reads their frames where they are");
    return Actor({demo::sibling("compositor"), frames, "/"}).finish();
}

bool act_five(Story& story) {
    std::puts("\nAct five: a cache of thumbnails shrinks at its container's limit of 96 MiB");
    const demo::Container container(std::uint64_t{96} << 20);
    const bool held = Actor({demo::sibling("thumbnails")}, container.path()).finish();
    return story.expect("programs killed in the container", "0",
                        std::to_string(container.kills())) &&
           held;
}

int direct(const char* file) {
    Story story("director");
    const std::vector<std::byte> content = demo::read_file(file);
    const std::string digest = demo::sha256(content);
    story.ok("read %s, %s bytes; its SHA-256:", file, commas(content.size()).c_str());
    story.show(digest);

    bool held = act_one(story, file, digest);
    held = act_two(file) && held;
    held = act_three() && held;
    held = act_four() && held;
    held = act_five(story) && held;
    std::puts(held ? "\nEvery step held: shared between programs, read-only where it must be, "
                     "purged only when allowed, by socket and by Binder, in a container too."
                   : "\n[FAILED] Not every step held.");
    return held ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: ashmem-demo FILE\n");
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        if (const std::string reason = obstacle(argv[1]); !reason.empty()) {
            std::fprintf(stderr, "ashmem-demo: %s\n", reason.c_str());
            return 2;
        }
        return direct(argv[1]);
    } catch (const std::exception& error) {
        std::printf("[FAILED] director: %s\n", error.what());
        return 1;
    }
}

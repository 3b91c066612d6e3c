// SPDX-License-Identifier: Apache-2.0
// A memory cgroup of a test's own.
//
// Works with the unified tree of v2, and with v1's memory controller where it is mounted.
// The names of their files differ; the test gives them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace test {

// Every call that the kernel refuses throws, with its reason.
class Cgroup {
public:
    // where guests have v2's tree
    static constexpr auto root = "/sys/fs/cgroup";

    // Makes a group below another one, which is named by its folder. In v2 the parent
    // hands on the memory controller, so no process may be in it, unless it is the root.
    explicit Cgroup(const std::string& name, const std::string& parent = root);
    Cgroup(const std::string& name, const Cgroup& parent) : Cgroup(name, parent.path()) {}
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;
    // Kills who is still in it and removes it. Groups within must be gone.
    ~Cgroup();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool has(const std::string& file) const;

    // Puts a process in, with all its threads: by default the one that asks. What it
    // was charged for before stays where it is.
    void join(pid_t pid = 0) const;

    // a limit or another setting, by the name of its file: "memory.max", "max"
    void set(const std::string& file, const std::string& text) const;
    void set(const std::string& file, std::uint64_t number) const {
        set(file, std::to_string(number));
    }
    [[nodiscard]] std::string text(const std::string& file) const;
    // a file that holds one number: "memory.current", "memory.kmem.usage_in_bytes"
    [[nodiscard]] std::uint64_t number(const std::string& file) const;
    // a line of a file that holds a key and a number in each: "memory.stat", "shmem"
    [[nodiscard]] std::uint64_t key(const std::string& file, const std::string& key) const;

    // Removes it once no process is in it any more: the end of one takes a moment.
    void remove();

private:
    std::string path_;
};

} // namespace test

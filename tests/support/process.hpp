// SPDX-License-Identifier: Apache-2.0
// Other processes, capabilities and the machine's memory, for tests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace test {

// Runs work in a forked child. Returns work's value (0 to 127), or 128 plus the signal
// that ended the child. Work must not use Catch2's assertions.
int in_child(const std::function<int()>& work);

// A child that is killed, if it still lives, when the object is destroyed.
class Child {
public:
    explicit Child(const std::function<int()>& work);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running();
    void kill();
    // as in_child
    int wait();

private:
    pid_t pid_;
    int status_ = 0;
};

// Drops every capability of the calling process for good.
void drop_capabilities();
// Becomes a user without rights, for good.
void become_nobody();
// Makes a user namespace and becomes its root, who has every capability there, for good.
void become_root_of_namespace();

// how often a test repeats something: the count, divided by the environment's
// ASHMEM_TEST_SCALE, for slow kernels; at least 1
int rounds(int count);

// Takes anonymous memory, a page at a time, until a condition holds, which is tested after
// each MiB; up to all memory and three quarters of swap, and at most so many times. Returns
// whether it held. The process that does this is the first to be killed if memory runs out.
bool squeeze_until(const std::function<bool()>& enough, int times = 1);

std::string read_file(const std::string& path);
// outcome of the write: 0 or -errno
long write_file(const std::string& path, const std::string& text);

// a line of /proc/meminfo, in bytes
std::uint64_t meminfo(const std::string& key);
// a line of /proc/self/smaps_rollup, in bytes
std::uint64_t own_memory(const std::string& key);
// a number of /proc/vmstat
std::uint64_t vmstat(const std::string& key);
// objects in use of a slab, by /proc/slabinfo, after the CPUs' caches were flushed
std::uint64_t slab_objects(const std::string& name);
// bytes of an object of a slab, by the same
std::uint64_t slab_object_size(const std::string& name);

} // namespace test

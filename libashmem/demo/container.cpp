// SPDX-License-Identifier: Apache-2.0
// Makes and removes a memory cgroup.
#include "container.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ashmem/unique_fd.hpp>

#include "system.hpp"

namespace demo {
namespace {

const std::string cgroups = "/sys/fs/cgroup";

void write(const std::string& path, const std::string& text) {
    const ashmem::unique_fd file(check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str()));
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    check(static_cast<int>(written), path.c_str());
}

} // namespace

Container::Container(std::uint64_t max_memory) : path_(cgroups + "/ashmem-demo") {
    write(cgroups + "/cgroup.subtree_control", "+memory");
    check(::mkdir(path_.c_str(), 0755), path_.c_str());
    write(path_ + "/memory.max", std::to_string(max_memory));
    // a kernel without swap has no such file
    const std::string swap = path_ + "/memory.swap.max";
    if (::access(swap.c_str(), F_OK) == 0) write(swap, "0");
}

Container::~Container() {
    ::rmdir(path_.c_str());
}

std::uint64_t Container::kills() const {
    const std::string events = path_ + "/memory.events";
    return number_after(events.c_str(), "oom_kill");
}

} // namespace demo

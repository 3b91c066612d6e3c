// SPDX-License-Identifier: Apache-2.0
// Makes or removes the nodes, by the program that udev and systemd run too.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "commands.hpp"
#include "failure.hpp"
#include "program.hpp"

namespace tool {

void nodes(const std::string& action) {
    const std::string program = "/usr/lib/ashmem/nodes";
    if (::access(program.c_str(), X_OK) != 0)
        throw Failure("cannot run " + program +
                      ", which the package ashmem-tools has: " + std::strerror(errno));
    become({program, action});
}

} // namespace tool

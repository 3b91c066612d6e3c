// SPDX-License-Identifier: Apache-2.0
// Loads the listed module files in order; the host has resolved dependencies.
#include <sys/syscall.h>

#include <cerrno>

#include "guest.hpp"

namespace vm {

std::string load_modules(const char* list) {
    for (const std::string& path : read_lines(list)) {
        const std::string name = path.substr(path.rfind('/') + 1);
        const Fd fd{path.c_str(), O_RDONLY};
        if (!fd) return errno_text("open " + path);
        if (::syscall(SYS_finit_module, fd.get(), "", 0) != 0 && errno != EEXIST)
            return errno_text("module " + name);
    }
    return {};
}

} // namespace vm

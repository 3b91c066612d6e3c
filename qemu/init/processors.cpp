// SPDX-License-Identifier: Apache-2.0
// Starts all processors but the first, which booted alone.
#include <unistd.h>

#include "guest.hpp"

namespace vm {

std::string start_processors() {
    for (int number = 1;; ++number) {
        const std::string switch_of =
            "/sys/devices/system/cpu/cpu" + std::to_string(number) + "/online";
        if (::access(switch_of.c_str(), F_OK) != 0) break;
        if (!write_file(switch_of.c_str(), "1"))
            return errno_text("processor " + std::to_string(number));
    }
    const long all = ::sysconf(_SC_NPROCESSORS_CONF), running = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (running == all) return {};
    return "only " + std::to_string(running) + " of " + std::to_string(all) + " processors run";
}

} // namespace vm

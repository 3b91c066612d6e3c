// SPDX-License-Identifier: Apache-2.0
// Runs a command that inherits a region.
#include <fcntl.h>
#include <linux/ashmem.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>

#include "commands.hpp"
#include "failure.hpp"
#include "new_region.hpp"
#include "program.hpp"
#include "text.hpp"

namespace tool {
namespace {

/** A size such as 4096, 64K, 16M or 2G. */
std::size_t parse_size(const std::string& text) {
    static const std::string units = "KMGT";
    const std::size_t unit = text.empty() ? std::string::npos : units.find(text.back());
    const bool has_unit = unit != std::string::npos;
    const auto number = to_number(has_unit ? text.substr(0, text.size() - 1) : text);
    const unsigned shift = has_unit ? 10 * static_cast<unsigned>(unit + 1) : 0;
    if (!number)
        throw Failure("'" + text + "' is no size: write bytes, or 64K, 16M, 2G", usage_error);
    if (*number == 0) throw Failure("a region of size 0 cannot be mapped", usage_error);
    if (*number > std::numeric_limits<std::size_t>::max() >> shift)
        throw Failure("the size " + text + " is too large", usage_error);
    return static_cast<std::size_t>(*number << shift);
}

} // namespace

void create(const std::string& name, const std::string& size,
            const std::vector<std::string>& command) {
    const std::size_t bytes = parse_size(size);
    if (name.size() >= ASHMEM_NAME_LEN)
        throw Failure("the name has " + std::to_string(name.size()) + " bytes, at most " +
                          std::to_string(ASHMEM_NAME_LEN - 1) + " fit",
                      usage_error);
    const ashmem::Region region = new_region(name, bytes);
    if (::fcntl(region.fd(), F_SETFD, 0) != 0)
        throw Failure(std::string("cannot pass the region on: ") + std::strerror(errno));
    const std::string number = std::to_string(region.fd());
    ::setenv("ASHMEM_FD", number.c_str(), 1);
    // what the command prints is its own
    std::cerr << "ashmem: region '" << printable(name) << "' of " << bytes
              << " bytes is descriptor " << number << ", ASHMEM_FD=" << number << '\n';
    become(command);
}

} // namespace tool

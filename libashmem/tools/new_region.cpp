// SPDX-License-Identifier: Apache-2.0
// Makes a region by the library, which knows both nodes.
#include "new_region.hpp"

#include <ashmem/ashmem.h>

#include <cerrno>
#include <cstring>

#include "failure.hpp"

namespace tool {

ashmem::Region new_region(const std::string& name, std::size_t size) {
    if (::ashmem_device_is_supported() == 0)
        throw Failure("the device does not open: " + std::string(std::strerror(errno)) +
                      "; ashmem doctor tells why");
    std::error_code error;
    auto region = ashmem::Region::create(name, size, error);
    if (error)
        throw Failure("cannot make a region of " + std::to_string(size) +
                      " bytes: " + error.message());
    if (::ashmem_backend(region.fd()) != ASHMEM_BACKEND_DEVICE)
        throw Failure("LIBASHMEM_BACKEND asks for a memfd, which is no region of the driver's");
    return region;
}

} // namespace tool

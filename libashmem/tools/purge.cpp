// SPDX-License-Identifier: Apache-2.0
// Discards everything that is unpinned.
#include <ashmem/ashmem.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "commands.hpp"
#include "failure.hpp"
#include "new_region.hpp"

namespace tool {

void purge() {
    const ashmem::Region any = new_region("purge", 1);
    const int pages = ::ashmem_purge_all_caches(any.fd());
    if (pages < 0 && errno == EPERM) throw Failure("only root (CAP_SYS_ADMIN) may purge");
    if (pages < 0) throw Failure(std::string("cannot purge: ") + std::strerror(errno));
    std::cout << pages << " pages were unpinned and are purged\n";
}

} // namespace tool

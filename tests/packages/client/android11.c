// SPDX-License-Identifier: Apache-2.0
/* Android 11 opens the node with the boot id, and if there is none, /dev/ashmem. */
#include <unistd.h>

#include "libcutils.h"

static dev_t number;

static int open_region(void) {
    int fd = node_open(node_of_boot(), &number);
    return fd < 0 ? node_open("/dev/ashmem", &number) : fd;
}

static int is_region(int fd) {
    if (!number) close(open_region());
    return node_is(fd, number);
}

const struct libcutils android11 = {"Android 11", open_region, is_region};

// SPDX-License-Identifier: Apache-2.0
/*
 * Android 16 asks a memfd for its size as if it were a region. A kernel of Android's
 * answers, and gets no other calls; with every other kernel the node with the boot id is
 * all that is opened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libcutils.h"

static dev_t number;

static int kernel_takes_memfd_for_region(void) {
    int fd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int taken = fd >= 0 && !ftruncate(fd, 4096) && ioctl(fd, ASHMEM_GET_SIZE, 0UL) == 4096;
    close(fd);
    return taken;
}

static int open_region(void) {
    if (kernel_takes_memfd_for_region()) {
        errno = ENOTSUP; /* no test of the device */
        return -1;
    }
    return node_open(node_of_boot(), &number);
}

static int is_region(int fd) {
    if (!number) close(open_region());
    return node_is(fd, number);
}

const struct libcutils android16 = {"Android 16", open_region, is_region};

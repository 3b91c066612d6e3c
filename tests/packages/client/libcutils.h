/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How libcutils, Android's library, speaks to the driver. Its versions differ in how they
 * open the device and in how they tell a region from another file.
 */
#ifndef LIBCUTILS_H
#define LIBCUTILS_H

#include <sys/types.h>

struct libcutils {
    const char *name;
    int (*open)(void);        /* a new region; -1 and errno */
    int (*is_region)(int fd); /* 1 or 0 */
};

extern const struct libcutils android9, android11, android16, newest;

/* "/dev/ashmem" and the id of this boot; 0 if it cannot be read */
const char *node_of_boot(void);
/* Opens a node, which must be a character device, and sets its number. */
int node_open(const char *path, dev_t *number);
/* Whether a descriptor is of the device with this number. */
int node_is(int fd, dev_t number);

#endif

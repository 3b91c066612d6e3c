// SPDX-License-Identifier: Apache-2.0
/* The two device nodes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcutils.h"

const char *node_of_boot(void) {
    static char path[80];
    char id[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, id, sizeof id - 1);
    close(fd);
    if (length <= 0) return 0;
    id[strcspn(id, "\n")] = 0;
    snprintf(path, sizeof path, "/dev/ashmem%s", id);
    return path;
}

int node_open(const char *path, dev_t *number) {
    struct stat file;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return -1;
    if (fstat(fd, &file) || !S_ISCHR(file.st_mode) || !file.st_rdev) {
        close(fd);
        errno = ENOTTY;
        return -1;
    }
    *number = file.st_rdev;
    return fd;
}

int node_is(int fd, dev_t number) {
    struct stat file;
    return number && !fstat(fd, &file) && S_ISCHR(file.st_mode) && file.st_rdev == number;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A program that speaks to the driver as the newest libcutils does: it knows the node with
 * the boot id alone, and tells whether a descriptor is a region by the node's number.
 */
#include <fcntl.h>
#include <linux/ashmem.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(void) {
    char path[80] = "/dev/ashmem";
    struct stat node, region;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char *id = path + strlen(path);
    ssize_t length = read(fd, id, 36);
    if (length != 36)
        return fail("boot_id");
    id[length] = 0;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail(path);
    if (stat(path, &node) || fstat(fd, &region) || node.st_rdev != region.st_rdev)
        return fail("number");
    if (ioctl(fd, ASHMEM_SET_NAME, "client") || ioctl(fd, ASHMEM_SET_SIZE, 8192UL))
        return fail("ioctl");
    char *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return fail("mmap");
    map[4096] = 42;
    return ioctl(fd, ASHMEM_GET_SIZE, 0UL) == 8192 ? 0 : fail("size");
}

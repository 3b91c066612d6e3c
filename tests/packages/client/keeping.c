// SPDX-License-Identifier: Apache-2.0
/* A cache of pages that may be lost when memory is short. */
#include <linux/ashmem.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sharing.h"

#define MIB ((size_t)1 << 20)

/* Given back afterwards, or there would be no room to look at the region. */
static void touch(size_t size) {
    char *other = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(other != MAP_FAILED, "there are addresses for other memory");
    memset(other, 1, size);
    munmap(other, size);
}

static void wait_for(const char *file) {
    for (int tries = 0; access(file, F_OK); tries++) {
        need(tries < 9000, "the file appears within 15 minutes");
        usleep(100000);
    }
}

void keep(const struct libcutils *lib, unsigned mib, unsigned pressure, const char *file,
          const char *expected) {
    struct ashmem_pin all = {0, 0};
    size_t size = mib * MIB, lost = 0;
    int fd = lib->open();
    need(fd >= 0 && !ioctl(fd, ASHMEM_SET_SIZE, size), "the region is created");
    char *bytes = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(bytes != MAP_FAILED, "it is mapped");
    memset(bytes, 1, size);
    need(!ioctl(fd, ASHMEM_UNPIN, &all), "it is unpinned");
    puts("unpinned");
    if (file) wait_for(file);
    if (pressure) touch(pressure * MIB);
    int answer = ioctl(fd, ASHMEM_PIN, &all);
    for (size_t page = 0; page < size; page += 4096)
        lost += !bytes[page];
    printf("%s, %zu of %zu KiB are lost\n", answer == ASHMEM_WAS_PURGED ? "purged" : "kept",
           lost * 4, size / 1024);
    need(answer == ASHMEM_WAS_PURGED || answer == ASHMEM_NOT_PURGED, "it is pinned");
    need((answer == ASHMEM_WAS_PURGED) == (lost > 0), "the answer tells what is lost");
    need(!strcmp(expected, answer == ASHMEM_WAS_PURGED ? "purged" : "kept"), expected);
}

// SPDX-License-Identifier: Apache-2.0
// A program without the library: it opens /dev/ashmem and calls ioctl. A parent unpins a
// page, another program purges, and all see it, through a descriptor that was inherited, one
// that was duplicated and one that was sent.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/ashmem.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pass.h"

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, strerror(errno)); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

static size_t page(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whoever runs this without rights is told so, and loses nothing. */
static int may_purge(void) {
    return geteuid() == 0;
}

/* What the region is, to whoever has a descriptor of it. */
static void look(int fd) {
    char name[ASHMEM_NAME_LEN];
    CHECK(ioctl(fd, ASHMEM_GET_NAME, name) == 0 && strcmp(name, "of a program") == 0);
    CHECK(ioctl(fd, ASHMEM_GET_SIZE, 0) == (int)(3 * page()));
    CHECK(ioctl(fd, ASHMEM_SET_SIZE, page()) == -1 && errno == EINVAL);
    struct stat status;
    CHECK(fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_size == 0);
}

/* Another program, by exec: an inherited descriptor, and one by socket. */
static int other(int inherited, int sock) {
    int sent = -1;
    look(inherited);
    CHECK(pass(sock, &sent, 0) == 0);
    look(sent);
    struct ashmem_pin middle = {(__u32)page(), (__u32)page()};
    CHECK(ioctl(sent, ASHMEM_GET_PIN_STATUS, &middle) == ASHMEM_IS_UNPINNED);
    const int purged = ioctl(inherited, ASHMEM_PURGE_ALL_CACHES, 0);
    CHECK(may_purge() ? purged >= 1 : purged == -1 && errno == EPERM);
    /* narrowed for all */
    CHECK(ioctl(sent, ASHMEM_SET_PROT_MASK, PROT_READ) == 0);
    CHECK(mmap(NULL, page(), PROT_WRITE, MAP_SHARED, inherited, 0) == MAP_FAILED && errno == EPERM);
    void* map = mmap(NULL, page(), PROT_READ, MAP_SHARED, inherited, 0);
    CHECK(map != MAP_FAILED && mprotect(map, page(), PROT_READ | PROT_WRITE) == -1);
    CHECK(errno == EACCES);
    return 0;
}

int main(int argc, char** argv) {
    if (argc == 3) return other(atoi(argv[1]), atoi(argv[2]));
    int sockets[2], status = -1;
    CHECK(access("/dev/ashmem", R_OK | W_OK) == 0);
    int fd = open("/dev/ashmem", O_RDWR);
    CHECK(fd >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    int copy = dup(fd);
    CHECK(ioctl(copy, ASHMEM_SET_NAME, "of a program") == 0);
    CHECK(ioctl(fd, ASHMEM_SET_SIZE, 3 * page()) == 0);
    char* bytes = mmap(NULL, 3 * page(), PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
    CHECK(bytes != MAP_FAILED);
    memset(bytes, 7, 3 * page());
    struct ashmem_pin middle = {(__u32)page(), (__u32)page()};
    CHECK(ioctl(fd, ASHMEM_UNPIN, &middle) == 0);
    if (fork() == 0) {
        char numbers[2][16];
        snprintf(numbers[0], sizeof(numbers[0]), "%d", copy);
        snprintf(numbers[1], sizeof(numbers[1]), "%d", sockets[1]);
        execl("/proc/self/exe", argv[0], numbers[0], numbers[1], (char*)NULL);
        _exit(127);
    }
    CHECK(pass(sockets[0], &fd, 1) == 0);
    wait(&status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(bytes[page()] == (may_purge() ? 0 : 7) && bytes[page() - 1] == 7 &&
          bytes[2 * page()] == 7);
    CHECK(ioctl(fd, ASHMEM_PIN, &middle) == (may_purge() ? ASHMEM_WAS_PURGED : ASHMEM_NOT_PURGED));
    CHECK(ioctl(copy, ASHMEM_PIN, &middle) == ASHMEM_NOT_PURGED);
    char first;
    CHECK(lseek(copy, 0, SEEK_SET) == 0 && read(copy, &first, 1) == 1 && first == 7);
    return 0;
}

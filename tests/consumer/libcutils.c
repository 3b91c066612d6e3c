// SPDX-License-Identifier: Apache-2.0
// Compiled and linked against Debian's android-libcutils only: a parent makes a region and
// passes it to another program, which reads it.
#include <cutils/ashmem.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pass.h"

static const size_t size = 123456;

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* the other program: it was narrowed to reading, and that holds */
static int reader(int sock) {
    int fd;
    if (pass(sock, &fd, 0) != 0)
        return fail("recvmsg");
    if (!ashmem_valid(fd) || ashmem_get_size_region(fd) != (int)size)
        return fail("not the region that was sent");
    const char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED || strcmp(bytes, "by libcutils' own functions") != 0)
        return fail("other bytes");
    if (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ||
        errno != EPERM)
        return fail("a narrowed region was mapped for writing");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2)
        return reader(atoi(argv[1]));

    int sockets[2], status = -1;
    int fd = ashmem_create_region("from libcutils", size);
    if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return fail("ashmem_create_region");
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return fail("mmap");
    strcpy(bytes, "by libcutils' own functions");
    if (ashmem_set_prot_region(fd, PROT_READ) != 0)
        return fail("ashmem_set_prot_region");
    if (fork() == 0) {
        char number[16];
        snprintf(number, sizeof(number), "%d", sockets[1]);
        execl("/proc/self/exe", argv[0], number, (char *)NULL);
        _exit(127);
    }
    if (pass(sockets[0], &fd, 1) != 0)
        return fail("sendmsg");
    wait(&status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

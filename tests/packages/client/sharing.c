// SPDX-License-Identifier: Apache-2.0
/* A region that two processes share: one creates it, the other is given its descriptor. */
#define _GNU_SOURCE
#include "sharing.h"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 16384

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int socket, int fd) {
    union control control = {0};
    char byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    control.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    need(sendmsg(socket, &message, 0) == 1, "the descriptor is sent");
}

static int receive_fd(int socket) {
    union control control;
    char byte;
    int fd = -1;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    need(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1, "a message is received");
    need(message.msg_controllen == sizeof control, "it has a descriptor");
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

static char *map(int fd, int prot) {
    return mmap(0, SIZE, prot, MAP_SHARED, fd, 0);
}

/* Nothing else is taken for a region: /dev/null is a device too. */
static void refuse_others(const struct libcutils *lib) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int memfd = memfd_create("other", MFD_CLOEXEC);
    need(null >= 0 && memfd >= 0, "there are files to try");
    need(!lib->is_region(null), "/dev/null is no region");
    need(!lib->is_region(memfd), "a memfd is no region of the device");
    need(!lib->is_region(-1), "a descriptor that is none is no region");
    close(null);
    close(memfd);
}

static int receiver(const struct libcutils *lib, int socket) {
    int fd = receive_fd(socket);
    need(lib->is_region(fd), "what was received is a region");
    refuse_others(lib);
    need(ioctl(fd, ASHMEM_GET_SIZE, 0UL) == SIZE, "the receiver finds the size");
    char *bytes = map(fd, PROT_READ | PROT_WRITE);
    need(bytes != MAP_FAILED, "the receiver maps it");
    need(!strcmp(bytes, "question"), "the receiver reads what the creator wrote");
    strcpy(bytes + SIZE / 2, "answer");
    return 0;
}

static int create(const struct libcutils *lib) {
    char name[ASHMEM_NAME_LEN] = "client", found[ASHMEM_NAME_LEN];
    int fd = lib->open();
    need(fd >= 0, "the device is opened");
    need(!ioctl(fd, ASHMEM_SET_NAME, name), "the region is named");
    need(!ioctl(fd, ASHMEM_SET_SIZE, (size_t)SIZE), "the region is sized");
    need(lib->is_region(fd), "what was created is a region");
    need(!ioctl(fd, ASHMEM_GET_NAME, found) && !strcmp(name, found), "it has its name");
    return fd;
}

static void pin(int fd) {
    struct ashmem_pin all = {0, 0};
    need(!ioctl(fd, ASHMEM_UNPIN, &all), "it is unpinned");
    need(ioctl(fd, ASHMEM_GET_PIN_STATUS, &all) == ASHMEM_IS_UNPINNED, "it says so");
    need(ioctl(fd, ASHMEM_PIN, &all) == ASHMEM_NOT_PURGED, "it is pinned, and was not purged");
    need(ioctl(fd, ASHMEM_GET_PIN_STATUS, &all) == ASHMEM_IS_PINNED, "it says so");
}

void share(const struct libcutils *lib) {
    int ends[2], status;
    need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "there are sockets");
    pid_t child = fork(); /* before this process knows anything of the device */
    if (!child) _exit(receiver(lib, ends[1]));
    int fd = create(lib);
    refuse_others(lib);
    char *bytes = map(fd, PROT_READ | PROT_WRITE);
    need(bytes != MAP_FAILED, "the creator maps it");
    strcpy(bytes, "question");
    send_fd(ends[0], fd);
    need(waitpid(child, &status, 0) == child && !status, "the receiver is content");
    need(!strcmp(bytes + SIZE / 2, "answer"), "the creator reads what the receiver wrote");
    pin(fd);
    need(!strcmp(bytes, "question"), "nothing is lost");
    need(!ioctl(fd, ASHMEM_SET_PROT_MASK, (unsigned long)PROT_READ), "it is made read-only");
    need(map(fd, PROT_READ | PROT_WRITE) == MAP_FAILED, "no more writable maps are made");
    need(map(fd, PROT_READ) != MAP_FAILED, "read-only maps are made");
}

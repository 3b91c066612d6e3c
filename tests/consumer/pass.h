// SPDX-License-Identifier: Apache-2.0
// Passes a descriptor over a Unix socket, without any library.
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* sends *fd, or receives it there; 0 or -1 */
static int pass(int sock, int *fd, int sending) {
    char byte = 0;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    if (sending) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), fd, sizeof(int));
        return sendmsg(sock, &message, 0) == 1 ? 0 : -1;
    }
    if (recvmsg(sock, &message, 0) != 1)
        return -1;
    memcpy(fd, CMSG_DATA(&control.header), sizeof(int));
    return 0;
}

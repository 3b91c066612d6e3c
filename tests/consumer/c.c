// SPDX-License-Identifier: Apache-2.0
// A C program as its author would write it: by each of the C headers.
#include <android/sharedmem.h>
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>
#include <linux/ashmem.h>
#include <string.h>
#include <sys/mman.h>

int main(void) {
    int fd = ashmem_create_region("consumer", 4096);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return 1;
    strcpy(bytes, "here");
    if (ASharedMemory_getSize(fd) != 4096 || ashmem_backend(fd) < 0)
        return 2;
    return ashmem_pin_region(fd, 0, 0) == ASHMEM_NOT_PURGED ? 0 : 3;
}

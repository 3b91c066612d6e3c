/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The NDK's shared memory, as <android/sharedmem.h> declares it there.
 *
 * The same regions and conventions as <cutils/ashmem.h>. ASharedMemory_dupFromJava,
 * which needs a Java VM, is missing. Descriptors are
 * close-on-exec: a program that passes one on by exec() clears FD_CLOEXEC.
 */
#ifndef ANDROID_SHARED_MEMORY_H
#define ANDROID_SHARED_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a region that may be mapped in every way.
 *
 * @param name for people to read; NULL for `none`
 * @param size bytes, at least one
 * @return a descriptor; -1 with errno as ashmem_create_region(); or, as in the
 *         NDK, -EINVAL itself if `size` is 0
 */
int ASharedMemory_create(const char* name, size_t size);

/**
 * Tell a region's size.
 *
 * @param fd any descriptor
 * @return bytes; 0 if it is no region
 */
size_t ASharedMemory_getSize(int fd);

/**
 * Narrow what future maps may ask for, by every holder and for good.
 *
 * @param fd a region
 * @param prot PROT_READ, PROT_WRITE and PROT_EXEC bits that remain
 * @return 0; or -1 with errno EINVAL if that would widen them
 */
int ASharedMemory_setProt(int fd, int prot);

#ifdef __cplusplus
}
#endif

#endif /* ANDROID_SHARED_MEMORY_H */

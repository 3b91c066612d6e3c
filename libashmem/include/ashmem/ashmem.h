/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * What libashmem offers in C beyond libcutils.
 *
 * The conventions, and the errors EBADF and ENOTTY, are those of
 * <cutils/ashmem.h>, which this header includes.
 */
#ifndef ASHMEM_ASHMEM_H
#define ASHMEM_ASHMEM_H

#include <cutils/ashmem.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell a region's size, however large.
 *
 * The driver's own answer passes through an int, so 4 GiB + 4096 reads as
 * 4096. The full number comes from the `size:` line of the descriptor's
 * fdinfo in /proc, and must agree with the driver's answer in its lower 32
 * bits. Without that line (an older driver, no /proc) it comes from the end
 * of the file, which exists after the first map; the file position is moved
 * and put back. Without either, the driver's answer is all there is.
 *
 * @param fd a region
 * @return bytes; or -1 with errno EOVERFLOW if the size cannot be
 *         determined exactly, or exceeds INT64_MAX
 */
int64_t ashmem_get_size_region64(int fd);

/**
 * Tell what future maps of a region may ask for.
 *
 * @param fd a region
 * @return PROT_READ, PROT_WRITE and PROT_EXEC bits; or -1
 */
int ashmem_get_prot_region(int fd);

/**
 * Tell whether a range is pinned. A range that was purged is unpinned too.
 *
 * @param fd, offset, len as for ashmem_pin_region()
 * @return ASHMEM_IS_PINNED (1) if all of it is, ASHMEM_IS_UNPINNED (0) if any
 *         page is not; or -1 with the errors of ashmem_pin_region()
 */
int ashmem_get_pin_status_region(int fd, size_t offset, size_t len);

/**
 * Drop every unpinned range of every region in the system.
 *
 * @param fd any region
 * @return pages that were unpinned before, 0 for a memfd; or -1 with errno EPERM
 *         without CAP_SYS_ADMIN
 */
int ashmem_purge_all_caches(int fd);

/**
 * Tell a region's name.
 *
 * @param fd a region
 * @param name receives the name and a NUL; untouched on failure
 * @param size bytes at `name`; ASHMEM_NAME_LEN (256) is always enough
 * @return bytes of the name without its NUL; ASHMEM_NAME_DEF stands for a
 *         region that was never named; or -1 with errno ERANGE if it does
 *         not fit
 */
int ashmem_get_name_region(int fd, char* name, size_t size);

/**
 * Tell whether this process can make regions: the device opens and answers as
 * an ashmem driver.
 *
 * @return 1; or 0 with errno telling why not (ENOENT: no driver is loaded)
 */
int ashmem_device_is_supported(void);

/** What keeps a region, as ashmem_backend() tells. */
enum {
    ASHMEM_BACKEND_DEVICE = 1, /**< the driver */
    ASHMEM_BACKEND_MEMFD = 2   /**< a sealed memfd, where there is no driver */
};

/**
 * Tell what keeps a region.
 *
 * ashmem_create_region() takes the driver where its device opens, and a memfd
 * elsewhere; LIBASHMEM_BACKEND in the environment, `device` or `memfd` instead
 * of `auto`, decides it. Descriptors of both kinds work in one process.
 *
 * @param fd a region
 * @return ASHMEM_BACKEND_DEVICE or ASHMEM_BACKEND_MEMFD; or -1
 */
int ashmem_backend(int fd);

#ifdef __cplusplus
}
#endif

#endif /* ASHMEM_ASHMEM_H */

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Android's shared memory, by the names and numbers of libcutils.
 *
 * Programs written for Android's <cutils/ashmem.h> build against this header
 * unchanged. Every function reports failure as -1 (ashmem_valid: 0) and sets
 * errno; none aborts, none needs initialisation, all may be called from
 * several threads at once.
 *
 * Errors that every function taking a descriptor shares:
 * - EBADF: `fd` is not an open descriptor;
 * - ENOTTY: `fd` is open and is not an ashmem region. libcutils ends the
 *   process here; a library should leave that decision to its caller.
 *
 * Sizes, offsets and lengths are in bytes. Protections are the PROT_READ,
 * PROT_WRITE and PROT_EXEC bits of <sys/mman.h>.
 */
#ifndef CUTILS_ASHMEM_H
#define CUTILS_ASHMEM_H

#include <linux/ashmem.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell whether a descriptor is an ashmem region.
 *
 * A descriptor is a region if it is a character device with the device number
 * of /dev/ashmem, under whatever path it was opened, or a memfd that is sealed
 * against becoming shorter. Where the node can't be seen (a chroot without
 * /dev) and this process never opened it, the answer for the driver's is 0.
 *
 * @param fd any number
 * @return 1 if it is; 0 if not, with errno EBADF or ENOTTY
 */
int ashmem_valid(int fd);

/**
 * Make a region of shared memory, protection READ, WRITE and EXEC.
 *
 * The device is /dev/ashmem<boot id> where it exists, else /dev/ashmem; where
 * neither opens, the region is a memfd (ashmem_backend() of <ashmem/ashmem.h>).
 * The kernel allots memory page by page as the mapped region is touched.
 *
 * @param name shown in /proc/PID/maps as /dev/ashmem/NAME; NULL means "none";
 *             the driver keeps the first 255 bytes, a memfd 249
 * @param size bytes, kept exactly, not rounded to pages; 0 makes a region
 *             that can't be mapped
 * @return a descriptor with FD_CLOEXEC, the caller's to close; or -1 with the
 *         errno of open(), of the driver or of memfd_create(); EINVAL if
 *         LIBASHMEM_BACKEND is none of `auto`, `device`, `memfd`
 */
int ashmem_create_region(const char* name, size_t size);

/**
 * Take protections away from all future maps of a region.
 *
 * The restriction binds every holder of the region and can't be undone. Maps
 * that exist stay as they are.
 *
 * @param fd a region
 * @param prot what remains: a subset of what the region has now
 * @return 0; or -1 with errno EINVAL if a bit would be added, or is unknown;
 *         EOPNOTSUPP if READ would be taken from a memfd, which stays readable
 *         and executable
 */
int ashmem_set_prot_region(int fd, int prot);

/**
 * Ask for a range to be kept in memory again, and whether it was lost.
 *
 * @param fd a region that has been mapped once
 * @param offset first byte, a multiple of the page size, at most UINT32_MAX
 * @param len bytes, a multiple of the page size, at most UINT32_MAX; 0 means
 *            to the end of the region
 * @return ASHMEM_NOT_PURGED (0); ASHMEM_WAS_PURGED (1) if any page of the
 *         range was dropped since it was unpinned: its bytes are zero now;
 *         or -1 with errno EINVAL for a range that is unaligned, outside the
 *         region or above UINT32_MAX (libcutils cuts such numbers to 32
 *         bits), or a region that was never mapped
 */
int ashmem_pin_region(int fd, size_t offset, size_t len);

/**
 * Allow the kernel to drop a range when memory is short.
 *
 * On a region whose protection lacks PROT_WRITE our driver answers 0 and
 * keeps the pages: a process that may only read must not destroy others' data. A memfd
 * keeps its pages, and PIN always answers that it did.
 *
 * @param fd, offset, len as for ashmem_pin_region()
 * @return 0; or -1 with the errors of ashmem_pin_region()
 */
int ashmem_unpin_region(int fd, size_t offset, size_t len);

/**
 * Tell a region's size.
 *
 * @param fd a region
 * @return the size given to ashmem_create_region(); or -1 with errno
 *         EOVERFLOW if it does not fit an int: ask
 *         ashmem_get_size_region64() of <ashmem/ashmem.h>
 */
int ashmem_get_size_region(int fd);

#ifdef __cplusplus
}
#endif

#endif /* CUTILS_ASHMEM_H */

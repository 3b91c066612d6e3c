/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * The interface of /dev/ashmem: Android's anonymous shared memory.
 *
 * Every open() of the device is a new, empty region. The holder names it and
 * sets its size, maps it, and passes the descriptor to other processes.
 * Numbers and structures are those of the driver that Linux carried until
 * 5.17, so programs built against its header work unchanged.
 */
#ifndef _UAPI_LINUX_ASHMEM_H
#define _UAPI_LINUX_ASHMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Bytes of a name including its NUL; a longer one is cut. */
#define ASHMEM_NAME_LEN 256

/* What ASHMEM_GET_NAME reports for a region that was never named. */
#define ASHMEM_NAME_DEF "dev/ashmem"

/* Answers of ASHMEM_PIN. */
#define ASHMEM_NOT_PURGED 0
#define ASHMEM_WAS_PURGED 1

/* Answers of ASHMEM_GET_PIN_STATUS. */
#define ASHMEM_IS_UNPINNED 0
#define ASHMEM_IS_PINNED 1

/**
 * struct ashmem_pin - a range of pages
 * @offset: first byte, a multiple of the page size
 * @len: bytes, a multiple of the page size; 0 means to the region's end
 */
struct ashmem_pin {
	__u32 offset;
	__u32 len;
};

#define __ASHMEMIOC 0x77

/*
 * SET_SIZE and SET_PROT_MASK pass the value itself, not a pointer to it.
 * GET_PIN_STATUS takes a struct ashmem_pin although its number says _IO.
 */
#define ASHMEM_SET_NAME _IOW(__ASHMEMIOC, 1, char[ASHMEM_NAME_LEN])
#define ASHMEM_GET_NAME _IOR(__ASHMEMIOC, 2, char[ASHMEM_NAME_LEN])
#define ASHMEM_SET_SIZE _IOW(__ASHMEMIOC, 3, __kernel_size_t)
#define ASHMEM_GET_SIZE _IO(__ASHMEMIOC, 4)
#define ASHMEM_SET_PROT_MASK _IOW(__ASHMEMIOC, 5, unsigned long)
#define ASHMEM_GET_PROT_MASK _IO(__ASHMEMIOC, 6)
#define ASHMEM_PIN _IOW(__ASHMEMIOC, 7, struct ashmem_pin)
#define ASHMEM_UNPIN _IOW(__ASHMEMIOC, 8, struct ashmem_pin)
#define ASHMEM_GET_PIN_STATUS _IO(__ASHMEMIOC, 9)
#define ASHMEM_PURGE_ALL_CACHES _IO(__ASHMEMIOC, 10)

/* From Android's later kernels: the inode number of the backing file. */
#define ASHMEM_GET_FILE_ID _IOR(__ASHMEMIOC, 11, unsigned long)

#endif /* _UAPI_LINUX_ASHMEM_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: copies in, calls a function that takes plain values, copies out.
 *
 * User memory is touched here and nowhere else in the ioctl path, and always
 * before or after the region's lock: a copy may fault, and a fault wants
 * mmap_lock, which comes before that lock.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/uaccess.h>
#include "ashmem.h"

static long ioctl_set_name(struct ashmem_region *region,
			   const char __user *from)
{
	char name[ASHMEM_NAME_LEN];
	long len;

	len = strncpy_from_user(name, from, sizeof(name));
	if (len < 0)
		return len;
	/* a longer name is cut, as programs have relied on since 2008 */
	if (len == sizeof(name))
		name[len - 1] = '\0';
	return ashmem_region_set_name(region, name);
}

static long ioctl_get_name(struct ashmem_region *region, char __user *to)
{
	char name[ASHMEM_NAME_LEN];

	ashmem_region_get_name(region, name);
	/* no further than the NUL: the rest is stack */
	return copy_to_user(to, name, strlen(name) + 1) ? -EFAULT : 0;
}

static long ioctl_pin(struct ashmem_region *region, unsigned int cmd,
		      const struct ashmem_pin __user *from)
{
	struct ashmem_pin pin;

	if (copy_from_user(&pin, from, sizeof(pin)))
		return -EFAULT;
	switch (cmd) {
	case ASHMEM_PIN:
		return ashmem_pin(region, pin.offset, pin.len);
	case ASHMEM_UNPIN:
		return ashmem_unpin(region, pin.offset, pin.len);
	default:
		return ashmem_pin_status(region, pin.offset, pin.len);
	}
}

static long ioctl_purge_all(void)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return ashmem_purge_all();
}

static long ioctl_get_file_id(struct ashmem_region *region,
			      unsigned long __user *to)
{
	u64 id;
	int ret;

	ret = ashmem_region_get_file_id(region, &id);
	if (ret)
		return ret;
	if (id > ULONG_MAX)
		return -EOVERFLOW;
	return put_user((unsigned long)id, to);
}

/**
 * ashmem_ioctl - the device's unlocked_ioctl
 * @file: an open file of the device
 * @cmd: an ASHMEM_* number
 * @arg: a value or a user pointer, by @cmd
 *
 * Return: what @cmd answers, -ENOTTY for a number that is not ours, -EFAULT
 * for a bad pointer, else the error of the function called.
 */
long ashmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ashmem_region *region = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case ASHMEM_SET_NAME:
		return ioctl_set_name(region, user);
	case ASHMEM_GET_NAME:
		return ioctl_get_name(region, user);
	case ASHMEM_SET_SIZE:
		return ashmem_region_set_size(region, arg);
	case ASHMEM_GET_SIZE:
		return ashmem_region_get_size(region);
	case ASHMEM_SET_PROT_MASK:
		return ashmem_region_set_prot_mask(region, arg);
	case ASHMEM_GET_PROT_MASK:
		return ashmem_region_get_prot_mask(region);
	case ASHMEM_PIN:
	case ASHMEM_UNPIN:
	case ASHMEM_GET_PIN_STATUS:
		return ioctl_pin(region, cmd, user);
	case ASHMEM_PURGE_ALL_CACHES:
		return ioctl_purge_all();
	case ASHMEM_GET_FILE_ID:
		return ioctl_get_file_id(region, user);
	default:
		return -ENOTTY;
	}
}

#ifdef CONFIG_COMPAT
/* Commands whose number holds the size of a type that 32-bit programs see. */
#define COMPAT_ASHMEM_SET_SIZE _IOW(__ASHMEMIOC, 3, compat_size_t)
#define COMPAT_ASHMEM_SET_PROT_MASK _IOW(__ASHMEMIOC, 5, compat_ulong_t)
#define COMPAT_ASHMEM_GET_FILE_ID _IOR(__ASHMEMIOC, 11, compat_ulong_t)

static long compat_get_file_id(struct ashmem_region *region,
			       compat_ulong_t __user *to)
{
	u64 id;
	int ret;

	ret = ashmem_region_get_file_id(region, &id);
	if (ret)
		return ret;
	if (id > U32_MAX)
		return -EOVERFLOW;
	return put_user((compat_ulong_t)id, to);
}

/**
 * ashmem_compat_ioctl - the device's compat_ioctl, for 32-bit callers
 * @file: an open file of the device
 * @cmd: an ASHMEM_* number of either word size
 * @arg: a value or a 32-bit user pointer, by @cmd
 *
 * Return: as ashmem_ioctl(), -EOVERFLOW for an inode number over 32 bits.
 */
long ashmem_compat_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	switch (cmd) {
	case COMPAT_ASHMEM_SET_SIZE:
		return ashmem_ioctl(file, ASHMEM_SET_SIZE, arg);
	case COMPAT_ASHMEM_SET_PROT_MASK:
		return ashmem_ioctl(file, ASHMEM_SET_PROT_MASK, arg);
	case COMPAT_ASHMEM_GET_FILE_ID:
		return compat_get_file_id(file->private_data, compat_ptr(arg));
	case ASHMEM_SET_SIZE:
	case ASHMEM_SET_PROT_MASK:
		return ashmem_ioctl(file, cmd, arg);
	default:
		return ashmem_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
	}
}
#endif

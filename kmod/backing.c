// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backing file: the unlinked tmpfs file that holds a region's pages.
 *
 * After a map it stands in vma->vm_file, within reach of everything that works
 * on mapped files, none of which knows the region's mask. Hence
 *
 *  - its operations are tmpfs's own, but it cannot be mapped again: that is
 *    how remap_file_pages() once turned a read-only map into a writable one
 *    (CVE-2020-0009);
 *  - its inode denies write access for as long as it lives: nobody, however
 *    privileged, opens it for writing through /proc/PID/map_files, and so
 *    nobody writes, truncates or punches it that way.
 *
 * The operations stand in this module, so each such file holds a reference to
 * it, and rmmod is refused while a map of any region lives.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>
#include "ashmem.h"

/* tmpfs's file operations, for the one map that is ours to make */
static const struct file_operations *shmem_fops __ro_after_init;
static struct file_operations backing_fops __ro_after_init;

static int backing_mmap_refuse(struct file *file, struct vm_area_struct *vma)
{
	return -EPERM;
}

/**
 * ashmem_backing_init - learn tmpfs's file operations from a file of its own
 *
 * Return: 0, or the error of making that file.
 */
int __init ashmem_backing_init(void)
{
	struct file *file;

	file = shmem_file_setup(ASHMEM_NAME_DEF, 0, VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	shmem_fops = file->f_op;
	fput(file);

	backing_fops = *shmem_fops;
	backing_fops.owner = THIS_MODULE;
	backing_fops.mmap = backing_mmap_refuse;
	/* tmpfs's insists on its own operations; without one mm's serves */
	backing_fops.get_unmapped_area = NULL;
	return 0;
}

/**
 * ashmem_backing_create - make the backing file, at the first map
 * @region: a region with a size and without a backing file
 * @vm_flags: of that map; VM_NORESERVE among them leaves the size uncharged
 *
 * Return: 0, -EINVAL for a size that no file can have, -ENOMEM.
 */
int ashmem_backing_create(struct ashmem_region *region, unsigned long vm_flags)
{
	const char *name = region->path[ASHMEM_PATH_PREFIX_LEN] ?
			   region->path : ASHMEM_NAME_DEF;
	struct file *file;

	lockdep_assert_held(&region->lock);

	file = shmem_file_setup(name, region->size, vm_flags);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* kernels before 6.0 leave it off files that were never opened */
	file->f_mode |= FMODE_LSEEK;
	/* the last fput() drops it again, by the owner in the operations */
	__module_get(THIS_MODULE);
	file->f_op = &backing_fops;
	/* cannot fail: nobody has seen the inode yet */
	deny_write_access(file);
	region->backing = file;
	return 0;
}

/**
 * ashmem_backing_map - let a shared map show the backing file's pages
 * @backing: the file
 * @vma: a map under construction
 *
 * Return: 0 or tmpfs's error; @vma->vm_file is as it was in both cases.
 */
int ashmem_backing_map(struct file *backing, struct vm_area_struct *vma)
{
	return shmem_fops->mmap(backing, vma);
}

/**
 * ashmem_backing_punch - drop pages; maps see zeros at their next touch
 * @backing: the file
 * @first: first page
 * @last: last page, included
 *
 * Called from reclaim, and so without the inode's lock, which a write or a
 * fallocate that allocates may hold right there: as GPU drivers purge their
 * buffers, by truncating the range. The maps go first, all at once.
 */
void ashmem_backing_punch(struct file *backing, unsigned long first,
			  unsigned long last)
{
	loff_t start = (loff_t)first << PAGE_SHIFT;
	loff_t end = ((loff_t)last + 1) << PAGE_SHIFT;

	unmap_mapping_range(backing->f_mapping, start, end - start, 0);
	shmem_truncate_range(file_inode(backing), start, end - 1);
}

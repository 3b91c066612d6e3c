// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backing file: the unlinked tmpfs file that holds a region's pages.
 *
 * After a map, vma->vm_file refers to it, so all code that works on mapped
 * files can reach it, and none of that code knows the region's mask. Therefore:
 *
 *  - its operations are tmpfs's, but it cannot be mapped again:
 *    remap_file_pages() once turned a read-only map into a writable one that
 *    way (CVE-2020-0009);
 *  - its inode denies write access for as long as it lives: no process, however
 *    privileged, can open it for writing through /proc/PID/map_files, so none
 *    can write, truncate or punch it that way.
 *
 * The operations belong to this module, so each such file holds a reference to
 * it, and rmmod is refused while a map of any region lives.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>
#include <linux/xarray.h>
#include "ashmem.h"
#include "compat/compat.h"

/* tmpfs's file operations, for the driver's own map */
static const struct file_operations *shmem_fops __ro_after_init;
static struct file_operations backing_fops __ro_after_init;

static int backing_mmap_refuse(struct file *file, struct vm_area_struct *vma)
{
	return -EPERM;
}

/**
 * ashmem_backing_init - copy tmpfs's file operations from a file of tmpfs
 *
 * Return: 0, or the error of making that file.
 */
int __init ashmem_backing_init(void)
{
	struct file *file;

	file = ashmem_compat_shmem_file_setup(ASHMEM_NAME_DEF, 0, VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	shmem_fops = file->f_op;
	fput(file);

	backing_fops = *shmem_fops;
	backing_fops.owner = THIS_MODULE;
	ashmem_compat_set_mmap(&backing_fops, backing_mmap_refuse);
	/* tmpfs's fails with other operations than its own; without it mm's is used */
	backing_fops.get_unmapped_area = NULL;
	return 0;
}

/**
 * ashmem_backing_create - make a backing file, for the first map
 * @region: a region with a size, locked
 * @vm_flags: of that map; VM_NORESERVE among them leaves the size uncharged
 *
 * Return: the file, which the caller installs or puts; -EINVAL for a size that
 * no file can have, -ENOMEM.
 */
struct file *ashmem_backing_create(struct ashmem_region *region,
				   unsigned long vm_flags)
{
	const char *name = region->path[ASHMEM_PATH_PREFIX_LEN] ?
			   region->path : ASHMEM_NAME_DEF;
	struct file *file;

	lockdep_assert_held(&region->lock);

	file = ashmem_compat_shmem_file_setup(name, region->size, vm_flags);
	if (IS_ERR(file))
		return file;
	/* kernels before 6.0 leave it off files that were never opened */
	file->f_mode |= FMODE_LSEEK;
	/* the last fput() drops it, as the owner in the operations says */
	__module_get(THIS_MODULE);
	file->f_op = &backing_fops;
	/* cannot fail: nobody has seen the inode yet */
	deny_write_access(file);
	return file;
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
	return ashmem_compat_call_mmap(shmem_fops, backing, vma);
}

/**
 * ashmem_backing_pages - how many pages a file holds, in memory or in swap
 * @backing: the file
 *
 * Return: their number, read while it may change.
 */
unsigned long ashmem_backing_pages(struct file *backing)
{
	return READ_ONCE(SHMEM_I(file_inode(backing))->alloced);
}

/**
 * ashmem_backing_next - the next page that holds something
 * @backing: the file
 * @first: in: first page to look at; out: the page found
 * @last: last page to look at, included
 *
 * Return: true if there is one.
 */
bool ashmem_backing_next(struct file *backing, unsigned long *first,
			 unsigned long last)
{
	return xa_find(&backing->f_mapping->i_pages, first, last, XA_PRESENT);
}

/**
 * ashmem_backing_populated_span - how far a number of pages reaches
 * @backing: the file
 * @first: first page to look at
 * @last: last page to look at, included
 * @max_pages: how many pages that hold something to take, at least 1
 * @found: the pages up to the one returned; a huge page is never cut, so these
 *         may be more than @max_pages
 *
 * Holes cost nothing. Otherwise a vast empty region that is unpinned could keep
 * reclaim busy for ever.
 *
 * Return: the last page of the span, which ends before the next page that
 * holds something.
 */
unsigned long ashmem_backing_populated_span(struct file *backing,
					    unsigned long first,
					    unsigned long last,
					    unsigned long max_pages,
					    struct ashmem_populated *found)
{
	struct xarray *held = &backing->f_mapping->i_pages;
	unsigned long index = first;
	unsigned long pages;
	void *entry;

	*found = (struct ashmem_populated){};
	entry = xa_find(held, &index, last, XA_PRESENT);
	while (entry && found->pages < max_pages) {
		pages = 1UL << xa_get_order(held, index);
		found->pages += pages;
		if (!xa_is_value(entry))
			found->resident += pages;
		entry = xa_find_after(held, &index, last, XA_PRESENT);
	}
	return entry ? index - 1 : last;
}

/**
 * ashmem_backing_punch - drop pages; maps see zeros at their next touch
 * @backing: the file
 * @first: first page
 * @last: last page, included
 *
 * Must not be called from within reclaim: it waits for the pages' locks, and
 * the task in reclaim may hold one. The inode's lock is not needed to drop
 * pages of a file whose size does not change.
 */
void ashmem_backing_punch(struct file *backing, unsigned long first,
			  unsigned long last)
{
	loff_t start = (loff_t)first << PAGE_SHIFT;
	loff_t end = ((loff_t)last + 1) << PAGE_SHIFT;

	/* out of all maps at once, which is cheaper than page by page */
	unmap_mapping_range(backing->f_mapping, start, end - start, 0);
	shmem_truncate_range(file_inode(backing), start, end - 1);
}

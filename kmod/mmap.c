// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap: checks a request against the region and attaches the backing file.
 *
 * The mask is enforced twice: on what the map asks for now, and in the VM_MAY
 * bits, on what mprotect() could ask for later.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include "ashmem.h"
#include "compat/compat.h"
#include "trace.h"

#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)

/* a prot mask is used as VM_* bits, and shifted as VM_MAY* bits */
static_assert(PROT_READ == VM_READ && VM_MAYREAD == VM_READ << 4);
static_assert(PROT_WRITE == VM_WRITE && VM_MAYWRITE == VM_WRITE << 4);
static_assert(PROT_EXEC == VM_EXEC && VM_MAYEXEC == VM_EXEC << 4);

static int mmap_check(struct ashmem_region *region, struct vm_area_struct *vma)
{
	unsigned long len = vma->vm_end - vma->vm_start;

	/*
	 * Without a size, and near SIZE_MAX, where the rounding wraps, this is 0,
	 * which no map fits into.
	 */
	if (len > PAGE_ALIGN(region->size))
		return -EINVAL;
	if (vma->vm_flags & VM_ACCESS & ~region->prot_mask)
		return -EPERM;
	return 0;
}

/*
 * A private map is plain zeroed memory, as Dalvik used it for heaps. The file
 * only gives it the name in /proc/PID/maps. But a purge or MADV_REMOVE, which
 * drop pages of the file, visit all maps of these offsets and drop huge pages
 * of anonymous memory too. So a private map lies at an offset beyond the
 * largest file. The bit that is set for that is lost where an offset is shown
 * in bytes.
 */
static void mmap_private(struct vm_area_struct *vma)
{
	vma_set_anonymous(vma);
	vma->vm_pgoff |= 1UL << (BITS_PER_LONG - PAGE_SHIFT);
}

static int mmap_backing(struct ashmem_region *region, struct file *backing,
			struct vm_area_struct *vma)
{
	unsigned long lacking;
	int ret;

	if (vma->vm_flags & VM_SHARED) {
		ret = ashmem_backing_map(backing, vma);
		if (ret)
			return ret;
	} else {
		mmap_private(vma);
	}
	lacking = (VM_ACCESS & ~region->prot_mask) << 4;
	if (lacking)
		vm_flags_clear(vma, lacking);
	/* last, because an mmap that fails must not change vma->vm_file */
	vma_set_file(vma, backing);
	return 0;
}

static int mmap_locked(struct ashmem_region *region, struct vm_area_struct *vma)
{
	struct file *backing;
	int ret;

	lockdep_assert_held(&region->lock);

	ret = mmap_check(region, vma);
	if (ret)
		return ret;
	if (region->backing)
		return mmap_backing(region, region->backing, vma);

	backing = ashmem_backing_create(region, vma->vm_flags);
	if (IS_ERR(backing))
		return PTR_ERR(backing);
	ret = mmap_backing(region, backing, vma);
	if (ret) {
		fput(backing);
		return ret;
	}
	/* pairs with ashmem_region_backing() */
	smp_store_release(&region->backing, backing);
	return 0;
}

/**
 * ashmem_mmap - the device's mmap
 * @file: an open file of the device
 * @vma: the map under construction; its offset is not checked, pages past the
 *       end fault with SIGBUS as in any file
 *
 * Return: 0; -EINVAL without a size or for a longer map than the page-rounded
 * size; -EPERM for an access that the mask lacks; an error of making the
 * backing file. Only success leaves a backing file, which freezes name and
 * size.
 */
int ashmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ashmem_region *region = file->private_data;
	int ret;

	mutex_lock(&region->lock);
	ret = mmap_locked(region, vma);
	if (!ret)
		trace_ashmem_map(region, vma);
	mutex_unlock(&region->lock);
	return ret;
}

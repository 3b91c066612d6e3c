/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ: the driver is written for the newest, and this file
 * gives older ones what they lack, under the newest name where it can.
 *
 * HAVE_* are the answers of probes/, compiled with the target's own flags by
 * probe.sh; a missing answer is an error, not a no.
 */
#ifndef _ASHMEM_COMPAT_H
#define _ASHMEM_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include "features.h"

#ifndef HAVE_VMA_SET_FILE
#error "no answer from compat/probes/vma_set_file.c"
#elif !HAVE_VMA_SET_FILE
static inline void vma_set_file(struct vm_area_struct *vma, struct file *file)
{
	get_file(file);
	swap(vma->vm_file, file);
	fput(file);
}
#endif

#ifndef HAVE_VM_FLAGS_CLEAR
#error "no answer from compat/probes/vm_flags_clear.c"
#elif !HAVE_VM_FLAGS_CLEAR
static inline void vm_flags_clear(struct vm_area_struct *vma,
				  unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#ifndef HAVE_SHMEM_VMA_FLAGS
#error "no answer from compat/probes/shmem_vma_flags.c"
#endif
static inline struct file *
ashmem_compat_shmem_file_setup(const char *name, loff_t size,
			       unsigned long flags)
{
#if HAVE_SHMEM_VMA_FLAGS
	return shmem_file_setup(name, size, legacy_to_vma_flags(flags));
#else
	return shmem_file_setup(name, size, flags);
#endif
}

#ifndef HAVE_FOPS_MMAP_PREPARE
#error "no answer from compat/probes/fops_mmap_prepare.c"
#endif
#ifndef HAVE_COMPAT_SET_DESC
#error "no answer from compat/probes/compat_set_desc.c"
#endif
/* Gives operations an .mmap; a second hook beside it is a bug to the kernel. */
static inline void
ashmem_compat_set_mmap(struct file_operations *fops,
		       int (*mmap)(struct file *, struct vm_area_struct *))
{
	fops->mmap = mmap;
#if HAVE_FOPS_MMAP_PREPARE
	fops->mmap_prepare = NULL;
#endif
}

/* Calls the mmap hook of operations that are not the file's own. */
static inline int ashmem_compat_call_mmap(const struct file_operations *fops,
					  struct file *file,
					  struct vm_area_struct *vma)
{
#if HAVE_COMPAT_SET_DESC
	struct vm_area_desc desc;

	if (fops->mmap_prepare) {
		compat_set_desc_from_vma(&desc, file, vma);
		return fops->mmap_prepare(&desc) ?:
		       __compat_vma_mmap(&desc, vma);
	}
#endif
	/* between the two: a tmpfs that has only a hook nobody can call */
	return fops->mmap ? fops->mmap(file, vma) : -EOPNOTSUPP;
}

#ifndef HAVE_SHRINKER_ALLOC
#error "no answer from compat/probes/shrinker_alloc.c"
#endif
#ifndef HAVE_REGISTER_SHRINKER_NAME
#error "no answer from compat/probes/register_shrinker_name.c"
#endif
#if HAVE_SHRINKER_ALLOC
static inline int ashmem_compat_shrinker_register(struct shrinker *shrinker)
{
	shrinker_register(shrinker);
	return 0;
}
#else
#define shrinker_alloc(flags, name) kzalloc(sizeof(struct shrinker), GFP_KERNEL)

static inline int ashmem_compat_shrinker_register(struct shrinker *shrinker)
{
	int ret;

#if HAVE_REGISTER_SHRINKER_NAME
	ret = register_shrinker(shrinker, KBUILD_MODNAME);
#else
	ret = register_shrinker(shrinker);
#endif
	if (ret)
		kfree(shrinker);
	return ret;
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

#endif /* _ASHMEM_COMPAT_H */

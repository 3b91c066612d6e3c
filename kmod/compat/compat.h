/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: the driver is written for the newest, and this
 * file provides what older ones lack, under the newest name where that is
 * possible.
 *
 * HAVE_* are the answers of probes/, compiled with the target's own flags by
 * probe.sh; a missing answer is an error, not a no.
 */
#ifndef _ASHMEM_COMPAT_H
#define _ASHMEM_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list_lru.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
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

#ifndef HAVE_FILE_REF
#error "no answer from compat/probes/file_ref.c"
#elif HAVE_FILE_REF
/* Ends a file at once, as close() does, for callers that hold no lock. */
#define ashmem_compat_fput_now(file) __fput_sync(file)
#else
#define ashmem_compat_fput_now(file) fput(file)
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
	/* between the two: tmpfs has only a hook that a module cannot call */
	return fops->mmap ? fops->mmap(file, vma) : -EOPNOTSUPP;
}

#ifndef HAVE_KMEM_CACHE_ALLOC_LRU
#error "no answer from compat/probes/kmem_cache_alloc_lru.c"
#elif !HAVE_KMEM_CACHE_ALLOC_LRU
/* kernels before 5.18 make room in every list for every memory cgroup */
#define kmem_cache_alloc_lru(cache, lru, gfp) kmem_cache_alloc(cache, gfp)
#endif

#ifndef HAVE_LIST_LRU_ADD_OBJ
#error "no answer from compat/probes/list_lru_add_obj.c"
#elif !HAVE_LIST_LRU_ADD_OBJ
#define list_lru_add_obj(lru, item) list_lru_add(lru, item)
#define list_lru_del_obj(lru, item) list_lru_del(lru, item)
#endif

#ifndef HAVE_LIST_LRU_WALK_UNLOCKED
#error "no answer from compat/probes/list_lru_walk_unlocked.c"
#elif HAVE_LIST_LRU_WALK_UNLOCKED
#define ASHMEM_COMPAT_LRU_LOCK
#else
/* a parameter between the list and the argument of a walk's callback */
#define ASHMEM_COMPAT_LRU_LOCK spinlock_t *lock,
#endif

#ifndef HAVE_MM_ACCOUNT_RECLAIMED_PAGES
#error "no answer from compat/probes/mm_account_reclaimed_pages.c"
#elif HAVE_MM_ACCOUNT_RECLAIMED_PAGES
/* What reclaim was credited with by shrinkers and has not counted yet. */
static inline unsigned long ashmem_compat_reclaimed_pages(void)
{
	return current->reclaim_state ? current->reclaim_state->reclaimed : 0;
}
#else
static inline unsigned long ashmem_compat_reclaimed_pages(void)
{
	return current->reclaim_state ?
	       current->reclaim_state->reclaimed_slab : 0;
}

static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

#ifndef lockdep_assert_not_held
#define lockdep_assert_not_held(lock) ((void)(lock))
#endif

#ifndef HAVE_SHRINKER_ALLOC
#error "no answer from compat/probes/shrinker_alloc.c"
#endif
#ifndef HAVE_REGISTER_SHRINKER_NAME
#error "no answer from compat/probes/register_shrinker_name.c"
#endif
/*
 * Registers a shrinker and prepares the list that it is asked for, which needs
 * the number that the shrinker has by then.
 */
#if HAVE_SHRINKER_ALLOC
static inline int ashmem_compat_shrinker_register(struct shrinker *shrinker,
						  struct list_lru *lru)
{
	int ret = list_lru_init_memcg(lru, shrinker);

	if (ret)
		shrinker_free(shrinker);
	else
		shrinker_register(shrinker);
	return ret;
}
#else
static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker)
		shrinker->flags = flags;
	return shrinker;
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}

static inline unsigned long
ashmem_compat_count_none(struct shrinker *shrinker, struct shrink_control *sc)
{
	return SHRINK_EMPTY;
}

static inline int ashmem_compat_shrinker_register(struct shrinker *shrinker,
						  struct list_lru *lru)
{
	typeof(shrinker->count_objects) count = shrinker->count_objects;
	int ret;

	/* registering gives it the number, and reclaim may call it at once */
	shrinker->count_objects = ashmem_compat_count_none;
#if HAVE_REGISTER_SHRINKER_NAME
	ret = register_shrinker(shrinker, KBUILD_MODNAME);
#else
	ret = register_shrinker(shrinker);
#endif
	if (ret) {
		kfree(shrinker);
		return ret;
	}
	ret = list_lru_init_memcg(lru, shrinker);
	if (ret)
		shrinker_free(shrinker);
	else
		/* a caller that sees the function sees the list */
		smp_store_release(&shrinker->count_objects, count);
	return ret;
}
#endif

#endif /* _ASHMEM_COMPAT_H */

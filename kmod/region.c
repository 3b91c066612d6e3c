// SPDX-License-Identifier: GPL-2.0-only
/*
 * A region: its name, size and prot mask.
 *
 * Name and size may change until the first map makes the backing file; from
 * then on both are frozen. The test and the change happen under the region's
 * lock, which mmap takes too, so the size always agrees with the backing file.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "ashmem.h"
#include "compat/compat.h"
#include "trace.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

static struct kmem_cache *region_cache;

/**
 * ashmem_region_init - make the slab of regions
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_region_init(void)
{
	region_cache = KMEM_CACHE(ashmem_region, SLAB_ACCOUNT);
	return region_cache ? 0 : -ENOMEM;
}

/**
 * ashmem_region_exit - destroy the slab; no region lives any more
 */
void ashmem_region_exit(void)
{
	kmem_cache_destroy(region_cache);
}

/**
 * ashmem_region_create - a new region: no name, no size, all rights
 *
 * Return: the region with one reference, or NULL without memory.
 */
struct ashmem_region *ashmem_region_create(void)
{
	struct ashmem_region *region;

	region = kmem_cache_zalloc(region_cache, GFP_KERNEL);
	if (!region)
		return NULL;
	kref_init(&region->ref);
	mutex_init(&region->lock);
	strscpy(region->path, ASHMEM_PATH_PREFIX, sizeof(region->path));
	region->prot_mask = PROT_ALL;
	region->ranges = RB_ROOT;
	return region;
}

static void region_free(struct kref *ref)
{
	struct ashmem_region *region =
		container_of(ref, struct ashmem_region, ref);

	if (region->backing)
		fput(region->backing);
	mutex_destroy(&region->lock);
	kmem_cache_free(region_cache, region);
}

static void region_free_now(struct kref *ref)
{
	struct ashmem_region *region =
		container_of(ref, struct ashmem_region, ref);

	if (region->backing)
		ashmem_compat_fput_now(region->backing);
	region->backing = NULL;
	region_free(ref);
}

/**
 * ashmem_region_get - take a reference
 * @region: a region that somebody else keeps alive at this moment
 */
void ashmem_region_get(struct ashmem_region *region)
{
	kref_get(&region->ref);
}

/**
 * ashmem_region_put - drop a reference, with the last one the region
 * @region: the region; its lock is not held
 *
 * Safe from reclaim: the backing file's own end is deferred by fput().
 */
void ashmem_region_put(struct ashmem_region *region)
{
	kref_put(&region->ref, region_free);
}

/**
 * ashmem_region_close - drop the reference of the open file
 * @region: the region; the caller holds no lock and is not in reclaim
 *
 * A backing file that is not mapped is freed here: deferring that would cost as
 * much as a system call.
 */
void ashmem_region_close(struct ashmem_region *region)
{
	kref_put(&region->ref, region_free_now);
}

static char *region_name(struct ashmem_region *region)
{
	return region->path + ASHMEM_PATH_PREFIX_LEN;
}

/**
 * ashmem_region_set_name - name a region that was never mapped
 * @region: the region
 * @name: up to 255 bytes and a NUL; "" takes the name away
 *
 * Return: 0, or -EINVAL after the first map.
 */
int ashmem_region_set_name(struct ashmem_region *region, const char *name)
{
	int ret = -EINVAL;

	mutex_lock(&region->lock);
	if (!region->backing) {
		strscpy(region_name(region), name, ASHMEM_NAME_LEN);
		ret = 0;
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_region_get_name - the name, or the default of a region without one
 * @region: the region
 * @name: room for ASHMEM_NAME_LEN bytes
 */
void ashmem_region_get_name(struct ashmem_region *region, char *name)
{
	mutex_lock(&region->lock);
	strscpy(name, *region_name(region) ? region_name(region) :
					     ASHMEM_NAME_DEF, ASHMEM_NAME_LEN);
	mutex_unlock(&region->lock);
}

/**
 * ashmem_region_set_size - size a region that was never mapped
 * @region: the region
 * @size: bytes, any value; one that no file can have fails at the first map
 *
 * Return: 0, or -EINVAL after the first map.
 */
int ashmem_region_set_size(struct ashmem_region *region, size_t size)
{
	int ret = -EINVAL;

	mutex_lock(&region->lock);
	if (!region->backing) {
		region->size = size;
		trace_ashmem_size(region, size);
		ret = 0;
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_region_get_size - the size as set
 * @region: the region
 *
 * Return: bytes, not rounded.
 */
size_t ashmem_region_get_size(struct ashmem_region *region)
{
	size_t size;

	mutex_lock(&region->lock);
	size = region->size;
	mutex_unlock(&region->lock);
	return size;
}

/**
 * ashmem_region_set_prot_mask - take rights away from all future maps
 * @region: the region
 * @prot: PROT_* bits to keep, a subset of the mask as it is
 *
 * A caller with the personality READ_IMPLIES_EXEC keeps EXEC beside READ;
 * otherwise it could map nothing any more. It never gets EXEC back.
 *
 * Return: 0, or -EINVAL if @prot has a bit that the mask lacks.
 */
int ashmem_region_set_prot_mask(struct ashmem_region *region,
				unsigned long prot)
{
	int ret = -EINVAL;

	mutex_lock(&region->lock);
	if (!(prot & ~region->prot_mask)) {
		if ((prot & PROT_READ) &&
		    (current->personality & READ_IMPLIES_EXEC))
			prot |= PROT_EXEC;
		region->prot_mask &= prot;
		ret = 0;
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_region_get_prot_mask - what future maps may ask for
 * @region: the region
 *
 * Return: PROT_* bits.
 */
unsigned long ashmem_region_get_prot_mask(struct ashmem_region *region)
{
	unsigned long prot_mask;

	mutex_lock(&region->lock);
	prot_mask = region->prot_mask;
	mutex_unlock(&region->lock);
	return prot_mask;
}

/**
 * ashmem_region_get_file_id - the backing file's inode number
 * @region: the region
 * @id: where it goes
 *
 * Return: 0, or -EINVAL before the first map.
 */
int ashmem_region_get_file_id(struct ashmem_region *region, u64 *id)
{
	int ret = -EINVAL;

	mutex_lock(&region->lock);
	if (region->backing) {
		*id = file_inode(region->backing)->i_ino;
		ret = 0;
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_region_get_info - everything that fdinfo shows, of one moment
 * @region: the region
 * @info: where it goes
 */
void ashmem_region_get_info(struct ashmem_region *region,
			    struct ashmem_info *info)
{
	mutex_lock(&region->lock);
	strscpy(info->name, region_name(region), sizeof(info->name));
	info->size = region->size;
	info->prot_mask = region->prot_mask;
	info->inode = region->backing ? file_inode(region->backing)->i_ino : 0;
	info->unpinned = (u64)region->unpinned_pages << PAGE_SHIFT;
	info->purged = (u64)region->purged_pages << PAGE_SHIFT;
	mutex_unlock(&region->lock);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ashmem: types and functions shared by the driver's files.
 *
 *   open    file.c ----> region.c    a region: name, size, prot mask
 *   ioctl   ioctl.c ---> region.c    SET and GET
 *                   `--> pin.c ----> range.c    set of unpinned pages
 *                                      `------> lru.c   order of unpinning
 *   mmap    mmap.c ----> backing.c   the tmpfs file, made at the first map
 *   memory pressure:     shrinker.c -> purge.c -> lru.c, range.c, backing.c
 *   close   file.c ----> region.c    drops ranges and backing file
 *
 * Lock order, outermost first:
 *
 *   mmap_lock            of the caller, held by the kernel around mmap
 *   region->lock         a mutex: all state of a region and its ranges
 *   lru_lock (lru.c)     a spinlock: the order of the regions by age
 *
 * Reclaim comes from below: it holds lru_lock and may only try region->lock,
 * for whoever holds that may be allocating. No lock of ours is held over a
 * copy to or from user space, a call into the backing file's read and seek,
 * or a hole punch; and nobody punches from within reclaim.
 */
#ifndef _ASHMEM_H
#define _ASHMEM_H

#include <linux/fs.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "uapi/linux/ashmem.h"

#define ASHMEM_PATH_PREFIX "dev/ashmem/"
#define ASHMEM_PATH_PREFIX_LEN (sizeof(ASHMEM_PATH_PREFIX) - 1)

/**
 * struct ashmem_region - what one open of the device holds
 * @ref: the open file's reference, and one for a purge under way
 * @lock: protects everything below that does not name another lock
 * @path: ASHMEM_PATH_PREFIX and the name, always NUL-terminated
 * @size: bytes as set, not rounded; frozen once @backing exists
 * @prot_mask: PROT_* bits that future maps may ask for; only loses bits
 * @backing: the tmpfs file; NULL before the first map, then constant
 * @ranges: the unpinned pages as disjoint intervals (struct ashmem_range)
 * @range_count: intervals in @ranges
 * @unpinned_pages: pages in @ranges
 * @purged_pages: those of @unpinned_pages that were purged
 * @lru: the intervals that are not purged, the one unpinned first at the head
 * @lru_node: place among all regions by @lru_age; in use while @lru has members
 * @lru_age: age of the oldest of @lru, protected by lru_lock
 * @purge_first: first page of the purge under way
 * @purge_last: last page of it, included
 * @purges_begun: number of purges begun; one is under way while it differs
 *                from @purges_done
 * @purges_done: number of purges ended, read without the lock by who waits
 * @purge_wait: woken at the end of each purge
 * @purge_work: punches the pages of a purge that reclaim began
 */
struct ashmem_region {
	struct kref ref;
	struct mutex lock;
	char path[ASHMEM_PATH_PREFIX_LEN + ASHMEM_NAME_LEN];
	size_t size;
	unsigned long prot_mask;
	struct file *backing;

	struct rb_root_cached ranges;
	unsigned long range_count;
	unsigned long unpinned_pages;
	unsigned long purged_pages;

	struct list_head lru;
	struct rb_node lru_node;
	u64 lru_age;

	unsigned long purge_first;
	unsigned long purge_last;
	unsigned int purges_begun;
	unsigned int purges_done;
	wait_queue_head_t purge_wait;
	struct work_struct purge_work;
};

/**
 * struct ashmem_range - an interval of unpinned pages
 * @it: first and last page, both included; in the region's @ranges
 * @lru: place in the region's @lru; unused once @purged
 * @age: when its first pages were unpinned, by a clock that counts UNPINs
 * @region: the owner, whose lock protects all of this
 * @purged: contents were dropped since it was unpinned
 *
 * Where pages joined it later they did so at the upper end: a purge of a part
 * takes the lower.
 */
struct ashmem_range {
	struct interval_tree_node it;
	struct list_head lru;
	u64 age;
	struct ashmem_region *region;
	bool purged;
};

static inline unsigned long
ashmem_range_pages(const struct ashmem_range *range)
{
	return range->it.last - range->it.start + 1;
}

/* region.c */
/**
 * struct ashmem_info - a region's state at one moment, for fdinfo
 * @name: the name without prefix, "" if never set
 * @size: bytes as set
 * @prot_mask: PROT_* bits
 * @inode: number of the backing file's inode, 0 before the first map
 * @unpinned: bytes unpinned
 * @purged: those of @unpinned that were purged
 */
struct ashmem_info {
	char name[ASHMEM_NAME_LEN];
	size_t size;
	unsigned long prot_mask;
	u64 inode;
	u64 unpinned;
	u64 purged;
};

int __init ashmem_region_init(void);
void ashmem_region_exit(void);
struct ashmem_region *ashmem_region_create(void);
void ashmem_region_close(struct ashmem_region *region);
void ashmem_region_get(struct ashmem_region *region);
void ashmem_region_put(struct ashmem_region *region);
int ashmem_region_set_name(struct ashmem_region *region, const char *name);
void ashmem_region_get_name(struct ashmem_region *region, char *name);
int ashmem_region_set_size(struct ashmem_region *region, size_t size);
size_t ashmem_region_get_size(struct ashmem_region *region);
int ashmem_region_set_prot_mask(struct ashmem_region *region,
				unsigned long prot);
unsigned long ashmem_region_get_prot_mask(struct ashmem_region *region);
int ashmem_region_get_file_id(struct ashmem_region *region, u64 *id);
struct file *ashmem_region_get_backing(struct ashmem_region *region,
				       size_t *size);
void ashmem_region_get_info(struct ashmem_region *region,
			    struct ashmem_info *info);

/* backing.c */
int __init ashmem_backing_init(void);
struct file *ashmem_backing_create(struct ashmem_region *region,
				   unsigned long vm_flags);
int ashmem_backing_map(struct file *backing, struct vm_area_struct *vma);
unsigned long ashmem_backing_stretch(struct file *backing, unsigned long first,
				     unsigned long last, unsigned long *pages);
void ashmem_backing_punch(struct file *backing, unsigned long first,
			  unsigned long last);

/* mmap.c */
int ashmem_mmap(struct file *file, struct vm_area_struct *vma);

/* ioctl.c */
long ashmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long ashmem_compat_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg);

/* pin.c */
int ashmem_pin(struct ashmem_region *region, u32 offset, u32 len);
int ashmem_unpin(struct ashmem_region *region, u32 offset, u32 len);
int ashmem_pin_status(struct ashmem_region *region, u32 offset, u32 len);

/* range.c */
int __init ashmem_range_init(void);
void ashmem_range_exit(void);
struct ashmem_range *ashmem_range_alloc(gfp_t gfp);
void ashmem_range_free(struct ashmem_range *range);
bool ashmem_range_any(struct ashmem_region *region, unsigned long first,
		      unsigned long last);
int ashmem_range_unpin(struct ashmem_region *region, unsigned long first,
		       unsigned long last, struct ashmem_range **spare);
int ashmem_range_pin(struct ashmem_region *region, unsigned long first,
		     unsigned long last, struct ashmem_range **spare);
unsigned long ashmem_range_purge(struct ashmem_range *range,
				 unsigned long last);
bool ashmem_range_drop(struct ashmem_region *region, unsigned int most);

/* lru.c */
int __init ashmem_lru_init(void);
void ashmem_lru_exit(void);
void ashmem_lru_add(struct ashmem_range *range);
void ashmem_lru_add_above(struct ashmem_range *range,
			  struct ashmem_range *below);
void ashmem_lru_del(struct ashmem_range *range);
void ashmem_lru_resized(unsigned long before, unsigned long after);
bool ashmem_lru_is_youngest(const struct ashmem_range *range);
u64 ashmem_lru_now(void);
unsigned long ashmem_lru_pages(void);
unsigned long ashmem_lru_pages_exact(void);
struct ashmem_range *ashmem_lru_oldest_of(struct ashmem_region *region);
struct ashmem_region *ashmem_lru_trylock_oldest(bool purging_too);
struct ashmem_region *ashmem_lru_get_oldest(u64 age);

/* purge.c */
int __init ashmem_purge_init(void);
void ashmem_purge_exit(void);
void ashmem_purge_init_region(struct ashmem_region *region);
bool ashmem_purge_under_way(const struct ashmem_region *region);
bool ashmem_purge_overlaps(const struct ashmem_region *region,
			   unsigned long first, unsigned long last);
bool ashmem_purge_ended(const struct ashmem_region *region, unsigned int number);
unsigned long ashmem_purge_reclaim(unsigned long most);
long ashmem_purge_all(void);

/* shrinker.c */
int __init ashmem_shrinker_init(void);
void ashmem_shrinker_exit(void);

/* file.c */
extern const struct file_operations ashmem_fops;

#endif /* _ASHMEM_H */

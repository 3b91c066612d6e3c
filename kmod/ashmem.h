/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ashmem: types and functions shared by the driver's files.
 *
 *   open      file.c, region.c          a region: name, size, prot mask
 *   ioctl     ioctl.c, region.c         SET and GET
 *   mmap      mmap.c, backing.c         the tmpfs file, made at the first map
 *   unpin     pin.c, unpinned.c         pages into the set of unpinned pages,
 *             range.c, lru.c            an interval of it into its order
 *   pressure  shrinker.c, lru_walk.c    how much could go, and which is oldest
 *             reclaim.c, purge.c        intervals are marked, and their pages
 *             backing.c                 punched out of the file
 *   pin       pin.c, unpinned.c         pages out of the set
 *   close     file.c, region.c          drops the set, then the region
 *   all of it trace.h                   tracepoints
 *
 * Lock order, outermost first:
 *
 *   mmap_lock            of the caller, held by the kernel around mmap
 *   purge_all_lock       a mutex in purge_all.c: one PURGE_ALL_CACHES at a time
 *   region->lock         a mutex: all state of a region and its ranges
 *   list_lru's lock      a spinlock of the kernel's: one for each node, and on
 *                        newer kernels for each memory cgroup
 *
 * Reclaim takes them in the opposite order: the callbacks of lru_walk.c run
 * under the list's lock and may only try region->lock, since its holder may be
 * allocating. No lock of ours is held over a copy to or from user space, a call
 * into the backing file's read and seek, or a hole punch. Reclaim itself never
 * punches.
 */
#ifndef _ASHMEM_H
#define _ASHMEM_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/list_lru.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/shrinker.h>
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
 * @backing: the tmpfs file; NULL before the first map, then constant, and read
 *           without the lock by ashmem_region_backing()
 * @ranges: the unpinned pages as disjoint intervals (struct ashmem_range)
 * @range_count: intervals in @ranges, at most ASHMEM_MAX_RANGES
 * @lru_count: ranges of the region that have a place in the LRU
 * @unpinned_pages: pages in @ranges
 * @purged_pages: those of @unpinned_pages that were purged
 * @spare: a range without pages, kept for the next need of one; it may still
 *         have a place in the LRU
 * @purge_first: first page of the purge under way
 * @purge_last: last page of it, included
 * @purges_begun: number of purges begun; one is under way while it differs
 *                from @purges_done
 * @purges_done: number of purges ended, read without the lock by waiters
 * @purge_pages: pages that the purge under way may free, at most
 * @purge_start: when the punch of the purge under way began, in ns; 0 before
 * @purge_time: how long the last punch took, in ns
 * @purge_slow: the purge under way took longer than reclaim may wait
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

	struct rb_root ranges;
	unsigned int range_count;
	unsigned int lru_count;
	unsigned long unpinned_pages;
	unsigned long purged_pages;
	struct ashmem_range *spare;

	unsigned long purge_first;
	unsigned long purge_last;
	unsigned int purges_begun;
	unsigned int purges_done;
	unsigned long purge_pages;
	u64 purge_start;
	u64 purge_time;
	bool purge_slow;
	wait_queue_head_t purge_wait;
	struct work_struct purge_work;
};

/**
 * struct ashmem_range - an interval of unpinned pages
 * @node: place in the region's @ranges, by page number
 * @first: first page
 * @last: last page, included
 * @intact: first page that was not purged since it was unpinned, @last + 1 if
 *          all were: a purge takes the lower end
 * @region: the owner, whose lock protects all of this but the list that @lru
 *          is in
 * @lru: a head's place in the LRU; a part's place among the parts of its head
 * @head: the range whose place in the LRU stands for this one: itself, or the
 *        one that PIN split this one off; NULL if all pages were purged
 * @parts: of a head, any range that was split off it, or NULL
 * @memcg: the memory cgroup that the object is charged to (ashmem_lru_memcg())
 * @unpin_seq: of a head, the number of PURGE_ALL_CACHES before it was unpinned
 *
 * All parts of a head were unpinned at the same time, so one place in the LRU
 * stands for all of them. Pages that joined a range later did so at its upper
 * end.
 */
struct ashmem_range {
	struct rb_node node;
	unsigned long first;
	unsigned long last;
	unsigned long intact;
	struct ashmem_region *region;
	struct list_head lru;
	struct ashmem_range *head;
	struct ashmem_range *parts;
	u32 memcg;
	u32 unpin_seq;
};

/* A region with more separate ranges is an attack on kernel memory, not a cache. */
#define ASHMEM_MAX_RANGES 131072U

/* The number of ranges to look at before a region's lock is released. */
#define ASHMEM_RANGE_BATCH 1024

static inline unsigned long
ashmem_range_pages(const struct ashmem_range *range)
{
	return range->last - range->first + 1;
}

static inline unsigned long
ashmem_range_purged_pages(const struct ashmem_range *range)
{
	return range->intact - range->first;
}

/* Only a hint if the region's lock is not held. */
static inline bool ashmem_range_is_spare(const struct ashmem_range *range)
{
	return READ_ONCE(range->region->spare) == range;
}

static inline bool ashmem_range_all_purged(const struct ashmem_range *range)
{
	return range->intact > range->last;
}

/**
 * ashmem_purge_under_way - whether a purge of a region has not ended
 * @region: the region
 *
 * While the caller holds the region's lock, false stays false: no purge begins.
 *
 * Return: true if it has.
 */
static inline bool ashmem_purge_under_way(const struct ashmem_region *region)
{
	return READ_ONCE(region->purges_begun) !=
	       READ_ONCE(region->purges_done);
}

/**
 * ashmem_region_backing - the backing file, without the lock
 * @region: the region, kept alive by the caller
 *
 * Return: the file, which lives as long as the region; NULL before the first
 * map. With a file the region's size is frozen.
 */
static inline struct file *ashmem_region_backing(struct ashmem_region *region)
{
	/* pairs with mmap_locked(): a reader that sees the file sees the size */
	return smp_load_acquire(&region->backing);
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
void ashmem_region_get(struct ashmem_region *region);
void ashmem_region_put(struct ashmem_region *region);
void ashmem_region_close(struct ashmem_region *region);
int ashmem_region_set_name(struct ashmem_region *region, const char *name);
void ashmem_region_get_name(struct ashmem_region *region, char *name);
int ashmem_region_set_size(struct ashmem_region *region, size_t size);
size_t ashmem_region_get_size(struct ashmem_region *region);
int ashmem_region_set_prot_mask(struct ashmem_region *region,
				unsigned long prot);
unsigned long ashmem_region_get_prot_mask(struct ashmem_region *region);
int ashmem_region_get_file_id(struct ashmem_region *region, u64 *id);
void ashmem_region_get_info(struct ashmem_region *region,
			    struct ashmem_info *info);

/* backing.c */
/**
 * struct ashmem_populated - what a span of a backing file holds
 * @pages: pages in memory or in swap
 * @resident: those of @pages that are in memory
 */
struct ashmem_populated {
	unsigned long pages;
	unsigned long resident;
};

int __init ashmem_backing_init(void);
struct file *ashmem_backing_create(struct ashmem_region *region,
				   unsigned long vm_flags);
int ashmem_backing_map(struct file *backing, struct vm_area_struct *vma);
unsigned long ashmem_backing_pages(struct file *backing);
bool ashmem_backing_next(struct file *backing, unsigned long *first,
			 unsigned long last);
unsigned long ashmem_backing_populated_span(struct file *backing,
					    unsigned long first,
					    unsigned long last,
					    unsigned long max_pages,
					    struct ashmem_populated *found);
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
struct ashmem_range *ashmem_range_alloc(struct ashmem_region *region);
void ashmem_range_free(struct ashmem_range *range);
void ashmem_range_set_spare(struct ashmem_region *region,
			    struct ashmem_range *range);
struct ashmem_range *ashmem_range_take_spare(struct ashmem_region *region);
struct ashmem_range *ashmem_range_first(struct ashmem_region *region,
					unsigned long first,
					unsigned long last);
void ashmem_range_insert(struct ashmem_region *region,
			 struct ashmem_range *range, unsigned long first,
			 unsigned long last, unsigned long intact);
void ashmem_range_remove(struct ashmem_range *range);
void ashmem_range_resize(struct ashmem_range *range, unsigned long first,
			 unsigned long last, unsigned long intact);
void ashmem_range_swap(struct ashmem_range *a, struct ashmem_range *b);

/* unpinned.c */
int ashmem_range_unpin(struct ashmem_region *region, unsigned long *first,
		       unsigned long last);
int ashmem_range_pin(struct ashmem_region *region, unsigned long first,
		     unsigned long last, bool may_split, bool *purged);
void ashmem_range_purge(struct ashmem_range *range, unsigned long last);
bool ashmem_range_drop(struct ashmem_region *region);

/* lru.c */
extern struct list_lru ashmem_lru;

u32 ashmem_lru_memcg(void);
void ashmem_lru_add(struct ashmem_range *range);
void ashmem_lru_add_part(struct ashmem_range *range,
			 struct ashmem_range *other);
void ashmem_lru_del(struct ashmem_range *range);
enum lru_status ashmem_lru_drop_spare(struct ashmem_range *range,
				      struct list_lru_one *list);
bool ashmem_lru_is_youngest(const struct ashmem_range *range);
u32 ashmem_lru_next_seq(void);
bool ashmem_lru_is_before(const struct ashmem_range *range, u32 seq);

/* lru_walk.c */
unsigned long ashmem_lru_weight(struct ashmem_region *region);
unsigned long ashmem_lru_pages(struct shrink_control *sc);
struct ashmem_region *ashmem_lru_get_oldest(struct shrink_control *sc,
					    struct ashmem_range **range);
struct ashmem_region *ashmem_lru_get_before(u32 seq);

/* purge.c */
int __init ashmem_purge_init(void);
void ashmem_purge_exit(void);
void ashmem_purge_init_region(struct ashmem_region *region);
bool ashmem_purge_overlaps(const struct ashmem_region *region,
			   unsigned long first, unsigned long last);
bool ashmem_purge_ended(const struct ashmem_region *region, unsigned int number);
void ashmem_purge_begin(struct ashmem_region *region, unsigned long first,
			unsigned long last, unsigned long pages);
void ashmem_purge_end(struct ashmem_region *region);
void ashmem_purge_queue(struct ashmem_region *region);
void ashmem_purge_flush(void);

/* reclaim.c */
bool ashmem_reclaim(struct shrink_control *sc, unsigned long *freed);

/* purge_all.c */
long ashmem_purge_all(void);

/* shrinker.c */
int __init ashmem_shrinker_init(void);
void ashmem_shrinker_exit(void);

/* file.c */
extern const struct file_operations ashmem_fops;

#endif /* _ASHMEM_H */

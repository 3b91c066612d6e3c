// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of unpinning, the oldest first: what reclaim purges next.
 *
 * It is the kernel's own list_lru: a list for each node and memory cgroup, by
 * the node and the cgroup of the range object, which is charged to whoever
 * unpins. A range that PIN splits stays one item: one part, the head, is in the
 * list, and the others hang on the head. A region's spare range, which has no
 * pages, may still be in the list; a walk that finds it drops it.
 */
#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/rcupdate.h>
#include "ashmem.h"
#include "compat/compat.h"

struct list_lru ashmem_lru;

/* The range unpinned last, anywhere. Only compared: it may be freed. */
static struct ashmem_range *lru_youngest;

/* The number of PURGE_ALL_CACHES so far, written under purge_all_lock. */
static u32 lru_seq;

/**
 * ashmem_lru_memcg - the memory cgroup that pays for the caller's allocations
 *
 * Return: a number that says whether two are the same. It wraps, and a false
 * match costs no more than a range in another cgroup's list.
 */
u32 ashmem_lru_memcg(void)
{
	u32 memcg = 0;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	memcg = task_css(current, memory_cgrp_id)->serial_nr;
	rcu_read_unlock();
#endif
	return memcg;
}

/* How many items the region has, which the weighing reads without its lock. */
static void lru_count(struct ashmem_region *region, int change)
{
	lockdep_assert_held(&region->lock);
	WRITE_ONCE(region->lru_count, region->lru_count + change);
}

/**
 * ashmem_lru_add - a range was unpinned now
 * @range: the range, which may have kept a place; its region is locked
 */
void ashmem_lru_add(struct ashmem_range *range)
{
	bool youngest = READ_ONCE(lru_youngest) == range;

	lockdep_assert_held(&range->region->lock);

	WRITE_ONCE(range->unpin_seq, READ_ONCE(lru_seq));
	if (range->head) {
		/* nothing was unpinned since: it is the last of its list */
		if (youngest)
			return;
		ashmem_lru_del(range);
	}
	range->head = range;
	INIT_LIST_HEAD(&range->lru);
	list_lru_add_obj(&ashmem_lru, &range->lru);
	lru_count(range->region, 1);
	/* all processors share it: write it only if it changes */
	if (!youngest)
		WRITE_ONCE(lru_youngest, range);
}

/**
 * ashmem_lru_add_part - a range split off another keeps its age
 * @range: the new range; its region is locked
 * @other: the range that it was split off, in the LRU
 */
void ashmem_lru_add_part(struct ashmem_range *range, struct ashmem_range *other)
{
	struct ashmem_range *head = other->head;

	lockdep_assert_held(&range->region->lock);

	range->head = head;
	if (head->parts) {
		list_add(&range->lru, &head->parts->lru);
	} else {
		INIT_LIST_HEAD(&range->lru);
		head->parts = range;
	}
}

static void lru_del_part(struct ashmem_range *range)
{
	struct ashmem_range *head = range->head;

	if (head->parts == range)
		head->parts = list_empty(&range->lru) ?
			      NULL : list_next_entry(range, lru);
	list_del(&range->lru);
}

/**
 * ashmem_lru_del - a range leaves the order: pinned, purged or merged
 * @range: a part, or a head without parts; its region is locked
 */
void ashmem_lru_del(struct ashmem_range *range)
{
	lockdep_assert_held(&range->region->lock);

	if (range->head != range) {
		lru_del_part(range);
	} else {
		list_lru_del_obj(&ashmem_lru, &range->lru);
		lru_count(range->region, -1);
	}
	range->head = NULL;
}

/**
 * ashmem_lru_drop_spare - drop a spare range from its list
 * @range: an item, under the list's lock
 * @list: the list
 *
 * Return: for the walk: LRU_REMOVED, or LRU_SKIP if the region is busy or the
 * range has pages again.
 */
enum lru_status ashmem_lru_drop_spare(struct ashmem_range *range,
				      struct list_lru_one *list)
{
	struct ashmem_region *region = range->region;
	enum lru_status ret = LRU_SKIP;

	if (!mutex_trylock(&region->lock))
		return ret;
	if (ashmem_range_is_spare(range)) {
		list_lru_isolate(list, &range->lru);
		lru_count(region, -1);
		range->head = NULL;
		ret = LRU_REMOVED;
	}
	mutex_unlock(&region->lock);
	return ret;
}

/**
 * ashmem_lru_is_youngest - whether pages unpinned now may be added to a range
 * @range: the range, its region locked
 *
 * Return: true if nothing was unpinned after it, anywhere, and it is in the
 * list of the caller's memory cgroup. If another region unpins right after this
 * test, the two count as simultaneous.
 */
bool ashmem_lru_is_youngest(const struct ashmem_range *range)
{
	lockdep_assert_held(&range->region->lock);
	return range->head && range->head == READ_ONCE(lru_youngest) &&
	       range->head->memcg == ashmem_lru_memcg();
}

/**
 * ashmem_lru_next_seq - a PURGE_ALL_CACHES begins; one at a time
 *
 * Return: its number, for ashmem_lru_is_before().
 */
u32 ashmem_lru_next_seq(void)
{
	WRITE_ONCE(lru_seq, lru_seq + 1);
	return lru_seq;
}

/**
 * ashmem_lru_is_before - whether a range was unpinned before a PURGE_ALL_CACHES
 * @range: a range in the LRU
 * @seq: the number of that PURGE_ALL_CACHES
 *
 * Return: true if it was.
 */
bool ashmem_lru_is_before(const struct ashmem_range *range, u32 seq)
{
	return (s32)(READ_ONCE(range->head->unpin_seq) - seq) < 0;
}

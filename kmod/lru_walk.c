// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over the LRU: how much a purge would free, and which region is next.
 *
 * Callbacks run under a list's lock. An item that is seen there proves that its
 * region lives, for the end of a region takes its items out first.
 */
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/nodemask.h>
#include "ashmem.h"
#include "compat/compat.h"

/* The number of items that one search steps over before it gives up. */
#define LRU_MAX_STEPS 1024

/* The number of items with pages that are weighed; the rest is extrapolated. */
#define LRU_MAX_WEIGHED 256

/* The number of items that the weighing looks at, with pages or without. */
#define LRU_MAX_LOOKED_AT 4096

/* Weights are fractions of a page: many items together may hold one page. */
#define LRU_WEIGHT_SHIFT 10

/*
 * What an item may free: its share of what the region has unpinned and not yet
 * purged, which is no more than the backing file holds. So holes weigh nothing,
 * and no region weighs more than its memory. Read without the region's lock:
 * a count that changes meanwhile makes it a little wrong.
 */
static u64 lru_weight(struct ashmem_region *region)
{
	unsigned long unpinned = READ_ONCE(region->unpinned_pages);
	unsigned long purged = READ_ONCE(region->purged_pages);
	unsigned int items = READ_ONCE(region->lru_count) ?: 1;
	unsigned long pages;

	if (unpinned <= purged)
		return 0;
	pages = min(unpinned - purged, ashmem_backing_pages(region->backing));
	return div_u64((u64)pages << LRU_WEIGHT_SHIFT, items);
}

/**
 * ashmem_lru_weight - the weight that ashmem_lru_pages() gives a range
 * @region: the region of the range
 *
 * Return: whole pages.
 */
unsigned long ashmem_lru_weight(struct ashmem_region *region)
{
	return lru_weight(region) >> LRU_WEIGHT_SHIFT;
}

/**
 * struct lru_walk - a walk's parameters and results
 * @left: items to look at; a callback that has found something sets it to 0
 * @looked_at: items that were looked at
 * @weighed: items that were weighed
 * @weight: sum of their weights, in fractions of a page
 * @seq: only items unpinned before this PURGE_ALL_CACHES
 * @region: the region found, with a reference
 * @slow: a region marked slow, with a reference
 * @locked: a region was skipped because its lock was held
 * @range: the head found, with its region locked; else NULL
 */
struct lru_walk {
	unsigned long left;
	unsigned long looked_at;
	unsigned long weighed;
	u64 weight;
	u32 seq;
	struct ashmem_region *region;
	struct ashmem_region *slow;
	bool locked;
	struct ashmem_range *range;
};

static enum lru_status lru_found(struct lru_walk *walk,
				 struct ashmem_region *region)
{
	ashmem_region_get(region);
	walk->region = region;
	/* kernels before 6.9 have no LRU_STOP */
	walk->left = 0;
	return LRU_SKIP;
}

static enum lru_status lru_weigh(struct list_head *item,
				 struct list_lru_one *list,
				 ASHMEM_COMPAT_LRU_LOCK void *arg)
{
	struct ashmem_range *range = container_of(item, struct ashmem_range, lru);
	struct lru_walk *walk = arg;
	u64 weight;

	walk->looked_at++;
	if (ashmem_range_is_spare(range))
		return ashmem_lru_drop_spare(range, list);
	weight = lru_weight(range->region);
	walk->weight += weight;
	if (weight && ++walk->weighed == LRU_MAX_WEIGHED)
		walk->left = 0;
	return LRU_SKIP;
}

/**
 * ashmem_lru_pages - about how many pages a purge of a list would free
 * @sc: the list, by node and memory cgroup
 *
 * The cost is bounded, however many ranges there are.
 *
 * Return: the number of pages. It is at least one for each range that was not
 * looked at; otherwise ranges behind many empty ones might never get a turn.
 */
unsigned long ashmem_lru_pages(struct shrink_control *sc)
{
	struct lru_walk walk = { .left = LRU_MAX_LOOKED_AT };
	unsigned long items = list_lru_shrink_count(&ashmem_lru, sc);
	unsigned long pages, rest;

	list_lru_walk_one(&ashmem_lru, sc->nid, sc->memcg, lru_weigh, &walk,
			  &walk.left);
	pages = walk.weight >> LRU_WEIGHT_SHIFT;
	/* none is there any more: the count was taken before the walk */
	if (!walk.looked_at || items <= walk.looked_at)
		return pages;
	rest = items - walk.looked_at;
	return pages + max(rest, mult_frac(rest, pages, walk.looked_at));
}

static enum lru_status lru_found_slow(struct lru_walk *walk,
				      struct ashmem_region *region)
{
	if (!walk->slow) {
		ashmem_region_get(region);
		walk->slow = region;
	}
	return LRU_ROTATE;
}

/*
 * Skips a region whose lock is held, since the holder may be waiting for
 * reclaim. A region with a purge under way is still the oldest: it is found,
 * but not locked. If it is marked slow, its ranges go to the end of the list
 * instead.
 */
static enum lru_status lru_find_oldest(struct list_head *item,
				       struct list_lru_one *list,
				       ASHMEM_COMPAT_LRU_LOCK void *arg)
{
	struct ashmem_range *range = container_of(item, struct ashmem_range, lru);
	struct ashmem_region *region = range->region;
	struct lru_walk *walk = arg;

	if (ashmem_range_is_spare(range))
		return ashmem_lru_drop_spare(range, list);
	if (ashmem_purge_under_way(region))
		return READ_ONCE(region->purge_slow) ?
		       lru_found_slow(walk, region) : lru_found(walk, region);
	if (!mutex_trylock(&region->lock)) {
		walk->locked = true;
		return LRU_SKIP;
	}
	/* both may have changed before the lock was ours */
	if (ashmem_purge_under_way(region) || ashmem_range_is_spare(range))
		mutex_unlock(&region->lock);
	else
		walk->range = range;
	return lru_found(walk, region);
}

/**
 * ashmem_lru_get_oldest - the region with the oldest range of a list
 * @sc: the list, by node and memory cgroup
 * @range: where the oldest range goes, the region then being locked; NULL if
 *         the region has a purge under way that is to be waited for first
 *
 * For reclaim: waits for no lock, since the holder may be waiting for reclaim.
 * A slow region is found if there is no other. If reclaim returned nothing
 * instead, the kernel would conclude that nothing can be freed.
 *
 * Return: the region with a reference for the caller; NULL if there is none;
 * ERR_PTR(-EAGAIN) if all of them were locked.
 */
struct ashmem_region *ashmem_lru_get_oldest(struct shrink_control *sc,
					    struct ashmem_range **range)
{
	struct lru_walk walk = { .left = LRU_MAX_STEPS };

	list_lru_walk_one(&ashmem_lru, sc->nid, sc->memcg, lru_find_oldest,
			  &walk, &walk.left);
	*range = walk.range;
	if (!walk.region && !walk.slow && walk.locked)
		return ERR_PTR(-EAGAIN);
	if (!walk.region)
		return walk.slow;
	if (walk.slow)
		ashmem_region_put(walk.slow);
	return walk.region;
}

static enum lru_status lru_find_before(struct list_head *item,
				       struct list_lru_one *list,
				       ASHMEM_COMPAT_LRU_LOCK void *arg)
{
	struct ashmem_range *range = container_of(item, struct ashmem_range, lru);
	struct lru_walk *walk = arg;

	if (ashmem_range_is_spare(range) || !ashmem_lru_is_before(range, walk->seq))
		return LRU_SKIP;
	return lru_found(walk, range->region);
}

/**
 * ashmem_lru_get_before - a region with a range of any list, busy or not
 * @seq: only with one that was unpinned before this PURGE_ALL_CACHES
 *
 * Return: the region with a reference for the caller, NULL if there is none.
 */
struct ashmem_region *ashmem_lru_get_before(u32 seq)
{
	struct lru_walk walk = { .seq = seq };
	int nid;

	for_each_node_state(nid, N_NORMAL_MEMORY) {
		walk.left = ULONG_MAX;
		list_lru_walk_node(&ashmem_lru, nid, lru_find_before, &walk,
				   &walk.left);
		if (walk.region)
			break;
	}
	return walk.region;
}

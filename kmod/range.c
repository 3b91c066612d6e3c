// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of a region's unpinned pages: disjoint intervals in a tree.
 *
 * A page is in one interval at the most; pages in none are pinned. A step costs
 * the logarithm of the number of intervals, an operation one step for each
 * interval that it meets. Everything here runs under the region's lock, sleeps
 * nowhere and allocates nothing that could enter reclaim: a function that may
 * need an interval more takes it from its caller's @spare, and with none there
 * answers -EAGAIN before any change.
 *
 * Two intervals that touch become one where that loses nothing: both purged,
 * or the upper one unpinned right after the lower, with nothing unpinned in
 * between anywhere. The lower end of an interval is thus never the younger.
 */
#include <linux/minmax.h>
#include <linux/slab.h>
#include "ashmem.h"

/*
 * Intervals in a region: beyond it UNPIN fails, while a PIN that splits one
 * never does. A region with more is not a cache but an attack on kernel memory.
 */
#define RANGES_MOST 131072UL

static struct kmem_cache *range_cache;

/**
 * ashmem_range_init - make the slab of intervals
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_range_init(void)
{
	range_cache = KMEM_CACHE(ashmem_range, 0);
	return range_cache ? 0 : -ENOMEM;
}

/**
 * ashmem_range_exit - destroy the slab; no region lives any more
 */
void ashmem_range_exit(void)
{
	kmem_cache_destroy(range_cache);
}

/**
 * ashmem_range_alloc - memory for an interval
 * @gfp: how to get it
 *
 * Return: an interval that belongs to no region yet, or NULL.
 */
struct ashmem_range *ashmem_range_alloc(gfp_t gfp)
{
	return kmem_cache_alloc(range_cache, gfp);
}

/**
 * ashmem_range_free - give back an interval that is in no region
 * @range: the interval or NULL
 */
void ashmem_range_free(struct ashmem_range *range)
{
	if (range)
		kmem_cache_free(range_cache, range);
}

static struct ashmem_range *range_first(struct ashmem_region *region,
					unsigned long first, unsigned long last)
{
	struct interval_tree_node *it;

	it = interval_tree_iter_first(&region->ranges, first, last);
	return it ? container_of(it, struct ashmem_range, it) : NULL;
}

static void range_insert(struct ashmem_region *region,
			 struct ashmem_range *range, unsigned long first,
			 unsigned long last)
{
	range->region = region;
	range->it.start = first;
	range->it.last = last;
	interval_tree_insert(&range->it, &region->ranges);
	region->range_count++;
	region->unpinned_pages += ashmem_range_pages(range);
	if (range->purged)
		region->purged_pages += ashmem_range_pages(range);
}

static void range_remove(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;

	interval_tree_remove(&range->it, &region->ranges);
	region->range_count--;
	region->unpinned_pages -= ashmem_range_pages(range);
	if (range->purged)
		region->purged_pages -= ashmem_range_pages(range);
}

/* Changes the bounds of an interval that keeps its place in the LRU. */
static void range_resize(struct ashmem_range *range, unsigned long first,
			 unsigned long last)
{
	unsigned long before = ashmem_range_pages(range);

	range_remove(range);
	range_insert(range->region, range, first, last);
	if (!range->purged)
		ashmem_lru_resized(before, ashmem_range_pages(range));
}

/* Takes an interval out of its region; the memory is the caller's. */
static void range_take_out(struct ashmem_range *range)
{
	if (!range->purged)
		ashmem_lru_del(range);
	range_remove(range);
}

/**
 * ashmem_range_any - is any page of an interval unpinned
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 *
 * Return: true if one is.
 */
bool ashmem_range_any(struct ashmem_region *region, unsigned long first,
		      unsigned long last)
{
	lockdep_assert_held(&region->lock);
	return range_first(region, first, last);
}

/* Grows the youngest interval of all by pages that lie right above it. */
static bool range_extend(struct ashmem_region *region, unsigned long first,
			 unsigned long last)
{
	struct ashmem_range *below;

	below = first ? range_first(region, first - 1, first - 1) : NULL;
	if (!below || !ashmem_lru_is_youngest(below))
		return false;
	range_resize(below, below->it.start, last);
	return true;
}

/* Makes one interval of a purged one and the purged ones that touch it. */
static void range_join_purged(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;
	unsigned long first = range->it.start;
	unsigned long last = range->it.last;
	struct ashmem_range *below, *above;

	below = first ? range_first(region, first - 1, first - 1) : NULL;
	above = range_first(region, last + 1, last + 1);
	if (below && below->purged) {
		first = below->it.start;
		range_take_out(below);
		ashmem_range_free(below);
	}
	if (above && above->purged) {
		last = above->it.last;
		range_take_out(above);
		ashmem_range_free(above);
	}
	range_resize(range, first, last);
}

/**
 * ashmem_range_unpin - make pages purgeable
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 * @spare: in and out: an interval to use, or NULL
 *
 * Intervals that overlap are merged, and the result is the youngest of all. If
 * one of them was purged, all of it counts as purged, as in the original
 * driver. Nothing changes where all the pages are unpinned already.
 *
 * Return: 0; -EAGAIN if an interval was needed and @spare had none; -ENOMEM if
 * the region has as many as a region may have.
 */
int ashmem_range_unpin(struct ashmem_region *region, unsigned long first,
		       unsigned long last, struct ashmem_range **spare)
{
	struct ashmem_range *merged, *range;
	bool purged = false;

	lockdep_assert_held(&region->lock);

	merged = range_first(region, first, last);
	if (merged && merged->it.start <= first && merged->it.last >= last)
		return 0;
	if (!merged) {
		if (range_extend(region, first, last))
			return 0;
		if (region->range_count >= RANGES_MOST)
			return -ENOMEM;
		if (!*spare)
			return -EAGAIN;
		swap(merged, *spare);
	}
	while ((range = range_first(region, first, last))) {
		first = min(first, range->it.start);
		last = max(last, range->it.last);
		purged |= range->purged;
		range_take_out(range);
		if (range != merged)
			ashmem_range_free(range);
	}
	merged->purged = purged;
	range_insert(region, merged, first, last);
	if (purged)
		range_join_purged(merged);
	else
		ashmem_lru_add(merged);
	return 0;
}

/*
 *   range   |--------------------------|
 *   pin            |first  last|
 *   after   |-----|             |------|
 */
static void range_split(struct ashmem_range *range, unsigned long first,
			unsigned long last, struct ashmem_range *upper)
{
	unsigned long end = range->it.last;

	upper->purged = range->purged;
	range_resize(range, range->it.start, first - 1);
	range_insert(range->region, upper, last + 1, end);
	if (!upper->purged)
		ashmem_lru_add_above(upper, range);
}

/**
 * ashmem_range_pin - take pages out of the set
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 * @spare: in and out: an interval to use, or NULL
 *
 * Return: 1 if any of the pages lay in a purged interval, 0 if none did,
 * -EAGAIN if an interval was needed and @spare had none.
 */
int ashmem_range_pin(struct ashmem_region *region, unsigned long first,
		     unsigned long last, struct ashmem_range **spare)
{
	struct ashmem_range *range;
	bool purged = false;

	lockdep_assert_held(&region->lock);

	range = range_first(region, first, last);
	if (range && range->it.start < first && range->it.last > last) {
		if (!*spare)
			return -EAGAIN;
		range_split(range, first, last, *spare);
		*spare = NULL;
		return range->purged;
	}
	while ((range = range_first(region, first, last))) {
		purged |= range->purged;
		if (range->it.start < first) {
			range_resize(range, range->it.start, first - 1);
		} else if (range->it.last > last) {
			range_resize(range, last + 1, range->it.last);
		} else {
			range_take_out(range);
			ashmem_range_free(range);
		}
	}
	return purged;
}

/* Cuts the pages up to @last off an interval; NULL without memory for it. */
static struct ashmem_range *range_cut(struct ashmem_range *range,
				      unsigned long last)
{
	unsigned long first = range->it.start;
	struct ashmem_range *cut;

	/* under the lock and in reclaim: whatever is there at once or nothing */
	cut = ashmem_range_alloc(GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC);
	if (!cut)
		return NULL;
	cut->purged = true;
	range_resize(range, last + 1, range->it.last);
	range_insert(range->region, cut, first, last);
	return cut;
}

/**
 * ashmem_range_purge - mark an interval, from its start on, as purged
 * @range: an interval that is not purged, its region locked
 * @last: the last page to mark, in the interval
 *
 * Return: the last page marked: @last, or the interval's last where memory is
 * so short that it can't be cut.
 */
unsigned long ashmem_range_purge(struct ashmem_range *range,
				 unsigned long last)
{
	struct ashmem_range *victim = NULL;

	lockdep_assert_held(&range->region->lock);

	if (last < range->it.last)
		victim = range_cut(range, last);
	if (!victim) {
		victim = range;
		last = victim->it.last;
		ashmem_lru_del(victim);
		victim->purged = true;
		victim->region->purged_pages += ashmem_range_pages(victim);
	}
	range_join_purged(victim);
	return last;
}

/**
 * ashmem_range_drop - take intervals out of the set, whichever
 * @region: the region, locked
 * @most: how many at the most
 *
 * Return: true if some are left.
 */
bool ashmem_range_drop(struct ashmem_region *region, unsigned int most)
{
	struct ashmem_range *range;

	lockdep_assert_held(&region->lock);

	while ((range = range_first(region, 0, ULONG_MAX)) && most--) {
		range_take_out(range);
		ashmem_range_free(range);
	}
	return range;
}

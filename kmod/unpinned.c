// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of a region's unpinned pages, as disjoint intervals, and how UNPIN,
 * PIN and a purge change it.
 *
 * A step costs the logarithm of the number of intervals; an operation takes one
 * step for each interval that it meets. Everything here runs under the region's
 * lock and allocates nothing. A function that may need one more interval uses
 * the region's spare one; without a spare it returns -ENOBUFS before it changes
 * anything. A function that meets many intervals returns -EAGAIN after a batch,
 * and is called again for the rest.
 *
 * What holds of all intervals of a region, whenever its lock is free:
 *
 *   Disjoint  a page is in one interval at most; pages in none are pinned
 *   Purged    pages below @intact were purged, those from it on were not
 *   Listed    an interval with intact pages is in the LRU, as a head or as a
 *             part of one; one without is not, except the spare one, which may
 *             have kept its place
 *   Aged      of two pages of an interval, the upper was not unpinned before
 *             the lower
 *
 * Two intervals that touch are joined where no information is lost: if the
 * pages on both sides of the seam were purged, or if the upper ones are
 * unpinned right after the lower ones, with nothing unpinned in between
 * anywhere.
 */
#include <linux/minmax.h>
#include "ashmem.h"

/* The LRU list of an interval is that of the cgroup its object is charged to. */
static bool range_spare_is_ours(struct ashmem_region *region)
{
	return region->spare && region->spare->memcg == ashmem_lru_memcg();
}

/*
 * Listed: takes an interval out of the LRU and returns the object that now
 * represents it. A head that has parts keeps its place for them: it changes
 * places in the tree with one of its parts.
 */
static struct ashmem_range *range_leave_lru(struct ashmem_range *range)
{
	struct ashmem_range *part = range->parts;

	if (part) {
		ashmem_range_swap(range, part);
		range = part;
	}
	ashmem_lru_del(range);
	return range;
}

/*
 * Takes an interval out of its region. If the region has no spare, the interval
 * becomes it and keeps its place in the LRU: a program that pins and unpins the
 * same pages again and again would otherwise leave and join the list each time.
 */
static void range_discard(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;
	bool keeps_place = !region->spare && range->head == range &&
			   !range->parts;

	if (range->head && !keeps_place)
		range = range_leave_lru(range);
	ashmem_range_remove(range);
	if (region->spare)
		ashmem_range_free(range);
	else
		WRITE_ONCE(region->spare, range);
}

/* Shrinks an interval to these pages. */
static void range_trim(struct ashmem_range *range, unsigned long first,
		       unsigned long last)
{
	ashmem_range_resize(range, first, last, clamp(range->intact, first, last + 1));
	if (range->head && ashmem_range_all_purged(range))
		range_leave_lru(range);
}

/* Joins an interval with its neighbours where both sides were purged. */
static void range_join_purged(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;
	unsigned long first = range->first;
	struct ashmem_range *below, *above;

	below = first ? ashmem_range_first(region, first - 1, first - 1) : NULL;
	if (below && ashmem_range_all_purged(below)) {
		first = below->first;
		range_discard(below);
		ashmem_range_resize(range, first, range->last, range->intact);
	}
	if (!ashmem_range_all_purged(range))
		return;
	above = ashmem_range_first(region, range->last + 1, range->last + 1);
	if (above && ashmem_range_purged_pages(above)) {
		range_discard(range);
		ashmem_range_resize(above, first, above->last, above->intact);
	}
}

/* Aged: extends the youngest interval of all by pages right above it. */
static bool range_extend(struct ashmem_region *region, unsigned long first,
			 unsigned long last)
{
	struct ashmem_range *below;

	below = first ? ashmem_range_first(region, first - 1, first - 1) : NULL;
	if (!below || !ashmem_lru_is_youngest(below))
		return false;
	ashmem_range_resize(below, below->first, last, below->intact);
	return true;
}

/**
 * struct range_union - the pages that an UNPIN turns into one interval
 * @first: first page
 * @last: last page, included
 * @purged: one of the intervals had been purged where the UNPIN met it
 */
struct range_union {
	unsigned long first;
	unsigned long last;
	bool purged;
};

static void range_absorb_pages(struct range_union *all, unsigned long first,
			       unsigned long last)
{
	all->first = min(all->first, first);
	all->last = max(all->last, last);
}

/*
 * Adds an interval that UNPIN of [first, last] meets to the union:
 *
 *   range     |---purged---|---intact---|
 *   UNPIN  |------|                           the purged part, which goes
 *   UNPIN                         |------|    the intact part, which goes
 *   UNPIN     any other                       all of it
 *
 * Leaving the purged part behind takes one more interval. In a region that is
 * at its limit the purged part is absorbed as well.
 */
static void range_absorb(struct ashmem_range *range, unsigned long first,
			 unsigned long last, struct range_union *all)
{
	struct ashmem_region *region = range->region;
	unsigned long intact = range->intact;
	bool mixed = ashmem_range_purged_pages(range) &&
		     !ashmem_range_all_purged(range);

	if (mixed && last < intact) {
		all->purged = true;
		range_absorb_pages(all, range->first, intact - 1);
		range_trim(range, intact, range->last);
	} else if (mixed && first >= intact &&
		   region->range_count < ASHMEM_MAX_RANGES) {
		range_absorb_pages(all, intact, range->last);
		range_trim(range, range->first, intact - 1);
	} else {
		all->purged |= ashmem_range_purged_pages(range);
		range_absorb_pages(all, range->first, range->last);
		range_discard(range);
	}
}

/* Merges pages with the intervals that they meet; the result is the youngest. */
static int range_merge(struct ashmem_region *region, unsigned long *first,
		       unsigned long last)
{
	struct range_union all = { .first = *first, .last = *first };
	struct ashmem_range *merged = ashmem_range_take_spare(region);
	struct ashmem_range *range;
	unsigned int n;

	for (n = 0; n < ASHMEM_RANGE_BATCH; n++) {
		range = ashmem_range_first(region, *first, last);
		if (!range)
			break;
		range_absorb(range, *first, last, &all);
	}
	if (n < ASHMEM_RANGE_BATCH)
		all.last = max(all.last, last);
	ashmem_range_insert(region, merged, all.first, all.last,
			    all.purged ? all.last + 1 : all.first);
	if (!all.purged) {
		ashmem_lru_add(merged);
	} else {
		if (merged->head)
			ashmem_lru_del(merged);
		range_join_purged(merged);
	}
	/* the rest starts in what is merged already */
	*first = all.last;
	return n < ASHMEM_RANGE_BATCH ? 0 : -EAGAIN;
}

/**
 * ashmem_range_unpin - make pages purgeable
 * @region: the region, locked
 * @first: in: first page; out: where to go on after -EAGAIN
 * @last: last page, included
 *
 * Intervals that overlap are merged, and the result is the youngest of all. If
 * one of them was purged, all of it counts as purged, as in the original
 * driver. Nothing changes where all the pages are unpinned already.
 *
 * Return: 0; -EAGAIN to be called again; -ENOBUFS if the spare interval is
 * missing or is another memory cgroup's; -ENOMEM if the region is at its limit.
 */
int ashmem_range_unpin(struct ashmem_region *region, unsigned long *first,
		       unsigned long last)
{
	struct ashmem_range *range;

	lockdep_assert_held(&region->lock);

	range = ashmem_range_first(region, *first, last);
	if (range && range->first <= *first && range->last >= last)
		return 0;
	if (!range) {
		if (range_extend(region, *first, last))
			return 0;
		if (region->range_count >= ASHMEM_MAX_RANGES)
			return -ENOMEM;
	}
	if (!range_spare_is_ours(region))
		return -ENOBUFS;
	return range_merge(region, first, last);
}

/*
 *   range   |--------------------------|
 *   PIN            |first  last|
 *   after   |-----|             |------|
 *
 * The upper part shares the place of the lower in the LRU: both keep their age.
 */
static void range_split(struct ashmem_range *range, unsigned long first,
			unsigned long last, struct ashmem_range *upper)
{
	unsigned long intact = range->intact;
	unsigned long end = range->last;

	if (upper->head)
		ashmem_lru_del(upper);
	ashmem_range_resize(range, range->first, first - 1, min(intact, first));
	ashmem_range_insert(range->region, upper, last + 1, end,
			    clamp(intact, last + 1, end + 1));
	if (!ashmem_range_all_purged(upper))
		ashmem_lru_add_part(upper, range);
	if (range->head && ashmem_range_all_purged(range))
		range_leave_lru(range);
}

/*
 * Where a split is impossible, pins one of the remainders as well. It must have
 * no purged pages, since nobody would learn of them. If both remainders have
 * some, nothing changes: the pages of PIN were purged too and are never purged
 * again, so they are as safe as pinned ones.
 */
static void range_pin_remainder(struct ashmem_range *range, unsigned long first,
				unsigned long last)
{
	bool lower_is_larger = first - range->first >= range->last - last;

	if (range->intact > last + 1)
		return;
	if (lower_is_larger || ashmem_range_purged_pages(range))
		range_trim(range, range->first, first - 1);
	else
		range_trim(range, last + 1, range->last);
}

/* PIN of pages inside an interval, which goes on at both sides. */
static int range_pin_inside(struct ashmem_range *range, unsigned long first,
			    unsigned long last, bool may_split)
{
	struct ashmem_region *region = range->region;

	if (!may_split || region->range_count >= ASHMEM_MAX_RANGES)
		range_pin_remainder(range, first, last);
	else if (region->spare)
		range_split(range, first, last, ashmem_range_take_spare(region));
	else
		return -ENOBUFS;
	return 0;
}

/**
 * ashmem_range_pin - take pages out of the set
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 * @may_split: pages from the middle of an interval may split it in two; else
 *             one of its remainders is pinned as well
 * @purged: set if any of the pages was purged, else left unchanged
 *
 * Return: 0; -EAGAIN to be called again; -ENOBUFS if the spare interval is
 * missing.
 */
int ashmem_range_pin(struct ashmem_region *region, unsigned long first,
		     unsigned long last, bool may_split, bool *purged)
{
	struct ashmem_range *range;
	unsigned int n;

	lockdep_assert_held(&region->lock);

	for (n = 0; n < ASHMEM_RANGE_BATCH; n++) {
		range = ashmem_range_first(region, first, last);
		if (!range)
			return 0;
		*purged |= max(first, range->first) < range->intact;
		if (range->first < first && range->last > last)
			return range_pin_inside(range, first, last, may_split);
		if (range->first < first)
			range_trim(range, range->first, first - 1);
		else if (range->last > last)
			range_trim(range, last + 1, range->last);
		else
			range_discard(range);
	}
	return -EAGAIN;
}

/**
 * ashmem_range_purge - mark an interval, from its lower end on, as purged
 * @range: an interval with intact pages, its region locked
 * @last: the last page to mark, an intact one
 */
void ashmem_range_purge(struct ashmem_range *range, unsigned long last)
{
	lockdep_assert_held(&range->region->lock);

	ashmem_range_resize(range, range->first, range->last, last + 1);
	if (ashmem_range_all_purged(range))
		range = range_leave_lru(range);
	range_join_purged(range);
}

/**
 * ashmem_range_drop - free intervals in any order, at last the spare one
 * @region: the region, locked, when it is closed
 *
 * Return: true to be called again.
 */
bool ashmem_range_drop(struct ashmem_region *region)
{
	struct ashmem_range *range;
	unsigned int n;

	lockdep_assert_held(&region->lock);

	for (n = 0; n < ASHMEM_RANGE_BATCH; n++) {
		range = ashmem_range_first(region, 0, ULONG_MAX);
		if (!range) {
			ashmem_range_set_spare(region, NULL);
			return false;
		}
		range_discard(range);
	}
	return true;
}

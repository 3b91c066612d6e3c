// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of unpinning: every interval of unpinned, not yet purged pages in
 * the system, the one unpinned first at the head.
 *
 * An interval is on the list while it is in its region and not purged; both
 * change under the region's lock only. So whoever holds lru_lock and sees an
 * interval knows that its region lives, and whoever holds that region's lock
 * too knows that the interval stays.
 */
#include <linux/compiler.h>
#include "ashmem.h"

/*
 * How many intervals of busy regions reclaim steps over before it gives up;
 * bounds the time under lru_lock.
 */
#define LRU_MOST_BUSY 64

static LIST_HEAD(lru_list);
static DEFINE_SPINLOCK(lru_lock);
static unsigned long lru_pages;

/**
 * ashmem_lru_add - an interval was unpinned now
 * @range: the interval, its region locked
 */
void ashmem_lru_add(struct ashmem_range *range)
{
	lockdep_assert_held(&range->region->lock);

	spin_lock(&lru_lock);
	list_add_tail(&range->lru, &lru_list);
	WRITE_ONCE(lru_pages, lru_pages + ashmem_range_pages(range));
	spin_unlock(&lru_lock);
}

/**
 * ashmem_lru_add_beside - an interval split off another keeps its age
 * @range: the new interval, the upper part; its region is locked
 * @beside: the lower part, on the list
 */
void ashmem_lru_add_beside(struct ashmem_range *range,
			   struct ashmem_range *beside)
{
	lockdep_assert_held(&range->region->lock);

	spin_lock(&lru_lock);
	if (range->age == ASHMEM_AGE_FALLING)
		list_add_tail(&range->lru, &beside->lru);
	else
		list_add(&range->lru, &beside->lru);
	WRITE_ONCE(lru_pages, lru_pages + ashmem_range_pages(range));
	spin_unlock(&lru_lock);
}

/**
 * ashmem_lru_del - an interval leaves the order: pinned, purged or merged
 * @range: the interval, its region locked
 */
void ashmem_lru_del(struct ashmem_range *range)
{
	lockdep_assert_held(&range->region->lock);

	spin_lock(&lru_lock);
	list_del(&range->lru);
	WRITE_ONCE(lru_pages, lru_pages - ashmem_range_pages(range));
	spin_unlock(&lru_lock);
}

/**
 * ashmem_lru_resized - an interval on the list grew or shrank
 * @pages: by how many pages, negative if it shrank
 */
void ashmem_lru_resized(long pages)
{
	spin_lock(&lru_lock);
	WRITE_ONCE(lru_pages, lru_pages + pages);
	spin_unlock(&lru_lock);
}

/**
 * ashmem_lru_is_youngest - was nothing unpinned after an interval
 * @range: the interval, its region locked
 *
 * Return: true if it is the last of the list. Another region may unpin the
 * moment after: then the two unpinned at the same time.
 */
bool ashmem_lru_is_youngest(const struct ashmem_range *range)
{
	bool youngest;

	lockdep_assert_held(&range->region->lock);
	if (range->purged)
		return false;

	spin_lock(&lru_lock);
	youngest = list_is_last(&range->lru, &lru_list);
	spin_unlock(&lru_lock);
	return youngest;
}

/**
 * ashmem_lru_pages - pages that a purge of everything would drop
 *
 * Return: their number, at this moment.
 */
unsigned long ashmem_lru_pages(void)
{
	return READ_ONCE(lru_pages);
}

/**
 * ashmem_lru_trylock_oldest - the oldest interval whose region is not busy
 *
 * For reclaim: never waits for a region, for its holder may be waiting for us.
 *
 * Return: the interval, its region locked and with a reference for the caller;
 * NULL if there is none, or the oldest are all of busy regions.
 */
struct ashmem_range *ashmem_lru_trylock_oldest(void)
{
	struct ashmem_range *range, *found = NULL;
	unsigned int busy = 0;

	spin_lock(&lru_lock);
	list_for_each_entry(range, &lru_list, lru) {
		if (mutex_trylock(&range->region->lock)) {
			ashmem_region_get(range->region);
			found = range;
			break;
		}
		if (++busy == LRU_MOST_BUSY)
			break;
	}
	spin_unlock(&lru_lock);
	return found;
}

/* The oldest interval if it belongs to a region, for NULL whichever it is. */
static struct ashmem_range *lru_oldest_of(const struct ashmem_region *region)
{
	struct ashmem_range *range;

	lockdep_assert_held(&lru_lock);
	range = list_first_entry_or_null(&lru_list, struct ashmem_range, lru);
	return range && (!region || range->region == region) ? range : NULL;
}

/**
 * ashmem_lru_lock_oldest - the oldest interval, busy or not
 *
 * For callers that may sleep on a region's lock, which reclaim may not.
 *
 * Return: the interval, its region locked and with a reference for the caller;
 * NULL if there is none.
 */
struct ashmem_range *ashmem_lru_lock_oldest(void)
{
	struct ashmem_region *region;
	struct ashmem_range *range;

	for (;;) {
		spin_lock(&lru_lock);
		range = lru_oldest_of(NULL);
		region = range ? range->region : NULL;
		if (region)
			ashmem_region_get(region);
		spin_unlock(&lru_lock);
		if (!region)
			return NULL;

		/* the list may change while we wait: look again inside */
		mutex_lock(&region->lock);
		spin_lock(&lru_lock);
		range = lru_oldest_of(region);
		spin_unlock(&lru_lock);
		if (range)
			return range;
		mutex_unlock(&region->lock);
		ashmem_region_put(region);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Purging: the one path by which reclaim and PURGE_ALL_CACHES drop pages.
 *
 * A purge marks pages as purged under the region's lock, notes on the region
 * that it is under way, leaves all locks and punches the pages out. A PIN that
 * overlaps waits for the note to go: it must not report pages as safe while a
 * punch is still to come. Nobody else waits, in this region or another.
 */
#include <linux/sched.h>
#include "ashmem.h"

/**
 * struct ashmem_purge - a hole punch under way; lives on the puncher's stack
 * @node: place in the region's list
 * @first: first page
 * @last: last page, included
 */
struct ashmem_purge {
	struct list_head node;
	unsigned long first;
	unsigned long last;
};

/**
 * ashmem_purge_overlaps - is a purge of any of these pages under way
 * @region: the region
 * @first: first page
 * @last: last page, included
 *
 * While the caller holds the region's lock no purge can begin, so false stays
 * false until it lets go.
 *
 * Return: true if one is.
 */
bool ashmem_purge_overlaps(struct ashmem_region *region, unsigned long first,
			   unsigned long last)
{
	struct ashmem_purge *purge;
	bool overlaps = false;

	spin_lock(&region->purge_lock);
	list_for_each_entry(purge, &region->purges, node) {
		if (purge->first <= last && first <= purge->last) {
			overlaps = true;
			break;
		}
	}
	spin_unlock(&region->purge_lock);
	return overlaps;
}

/* Purges an interval, whose region comes locked and referenced, and goes. */
static unsigned long purge_range(struct ashmem_range *range, unsigned long most)
{
	struct ashmem_region *region = range->region;
	struct ashmem_purge purge;

	ashmem_range_purge(range, &purge.first, &purge.last, most);
	spin_lock(&region->purge_lock);
	list_add(&purge.node, &region->purges);
	spin_unlock(&region->purge_lock);
	mutex_unlock(&region->lock);

	ashmem_backing_punch(region->backing, purge.first, purge.last);

	spin_lock(&region->purge_lock);
	list_del(&purge.node);
	spin_unlock(&region->purge_lock);
	wake_up_all(&region->purge_wait);
	ashmem_region_put(region);
	return purge.last - purge.first + 1;
}

/**
 * ashmem_purge_reclaim - purge the oldest pages, from within reclaim
 * @most: about how many pages
 *
 * Never waits for a region's lock.
 *
 * Return: the pages purged, 0 if there was nothing, or nothing to be had now.
 */
unsigned long ashmem_purge_reclaim(unsigned long most)
{
	struct ashmem_range *range;
	unsigned long done = 0;

	while (done < most) {
		range = ashmem_lru_trylock_oldest();
		if (!range)
			break;
		done += purge_range(range, most - done);
		cond_resched();
	}
	return done;
}

/**
 * ashmem_purge_all - purge every unpinned range in the system
 *
 * Ends although others go on unpinning: the pages that are purgeable now are
 * the oldest, and after as many it stops.
 *
 * Return: the pages that were purgeable before.
 */
unsigned long ashmem_purge_all(void)
{
	unsigned long before = ashmem_lru_pages();
	struct ashmem_range *range;
	unsigned long done = 0;

	while (done < before) {
		range = ashmem_lru_lock_oldest();
		if (!range)
			break;
		done += purge_range(range, ULONG_MAX);
		cond_resched();
	}
	return before;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * PURGE_ALL_CACHES: purges what is unpinned at the time of the call,
 * everywhere.
 *
 * The caller may sleep, so it punches by itself and takes each region's lock in
 * turn. It ignores what is unpinned while it runs; otherwise it might never
 * end.
 */
#include <linux/sched.h>
#include "ashmem.h"

/* Pages that PURGE_ALL_CACHES punches at once: 2 MiB and more on all machines. */
#define PURGE_CHUNK 4096UL

/* One PURGE_ALL_CACHES at a time. */
static DEFINE_MUTEX(purge_all_lock);

/*
 * Marks ranges without pages, up to the first that holds some, of which it
 * begins to purge a chunk. Returns 1 if it has begun, 0 if the region has
 * nothing more, -EAGAIN to be called again.
 */
static int purge_all_begin(struct ashmem_region *region, u32 seq,
			   unsigned long *next, u64 *pages)
{
	struct ashmem_range *range;
	unsigned long first, last;
	unsigned int n;
	bool found;

	for (n = 0; n < ASHMEM_RANGE_BATCH; n++) {
		range = ashmem_range_first(region, *next, ULONG_MAX);
		if (!range)
			return 0;
		*next = range->last + 1;
		if (!range->head || !ashmem_lru_is_before(range, seq))
			continue;
		first = range->intact;
		last = range->last;
		found = ashmem_backing_next(region->backing, &first, last);
		if (found)
			last = min(last, round_up(first + 1, PURGE_CHUNK) - 1);
		*next = last + 1;
		*pages += last - range->intact + 1;
		if (found)
			ashmem_purge_begin(region, first, last, last - first + 1);
		ashmem_range_purge(range, last);
		if (found)
			return 1;
	}
	return -EAGAIN;
}

/* Purges what a region has that is older than @seq. Returns 0 or an error. */
static int purge_all_of(struct ashmem_region *region, u32 seq, u64 *pages)
{
	unsigned long next = 0;
	unsigned int number;
	bool under_way;
	int ret;

	do {
		if (mutex_lock_killable(&region->lock))
			return -EINTR;
		number = region->purges_begun;
		under_way = ashmem_purge_under_way(region);
		ret = under_way ? -EAGAIN :
				  purge_all_begin(region, seq, &next, pages);
		mutex_unlock(&region->lock);

		if (under_way &&
		    wait_event_killable(region->purge_wait,
					ashmem_purge_ended(region, number)))
			return -EINTR;
		if (ret == 1)
			ashmem_purge_end(region);
		cond_resched();
	} while (ret);
	return 0;
}

/**
 * ashmem_purge_all - purge every range in the system that is unpinned now
 *
 * When it returns, purges that reclaim had begun have ended too.
 *
 * Return: the pages that were purgeable before, at most INT_MAX; -EINTR if the
 * caller was killed meanwhile.
 */
long ashmem_purge_all(void)
{
	struct ashmem_region *region;
	u64 pages = 0;
	int ret = 0;
	u32 seq;

	if (mutex_lock_killable(&purge_all_lock))
		return -EINTR;
	seq = ashmem_lru_next_seq();
	while (!ret && (region = ashmem_lru_get_before(seq))) {
		ret = purge_all_of(region, seq, &pages);
		ashmem_region_put(region);
		pages = min_t(u64, pages, INT_MAX);
	}
	if (!ret)
		ashmem_purge_flush();
	mutex_unlock(&purge_all_lock);
	return ret ?: (long)pages;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim: what a call of the shrinker purges, and for how long it waits.
 *
 * It begins purges, the oldest range first, and a worker punches the pages. A
 * punch waits for the pages' locks, and the task that entered reclaim may hold
 * one of these: it may be collapsing or splitting a huge page of the same file.
 * Reclaim waits for the worker, but only for a bounded time.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include "ashmem.h"

/* How long one call from reclaim waits in all; most punches are far shorter. */
#define RECLAIM_PATIENCE (HZ / 10)

/*
 * How much of that the punches of one region may take, in ns, before the region
 * counts as slow and others go first: in all, and for each page, since a punch
 * of many pages takes long on any busy machine.
 */
#define RECLAIM_SLOW (50 * NSEC_PER_MSEC)
#define RECLAIM_SLOW_PAGE (4 * NSEC_PER_MSEC)

/* The number of ranges that one call takes, however little they hold. */
#define RECLAIM_MAX_STEPS 160

/**
 * struct reclaim - one call from reclaim
 * @sc: what it is asked
 * @deadline: when it stops waiting, in jiffies
 * @scanned: pages looked at, in the unit of what ashmem_lru_pages() counts
 * @freed: pages of memory that were given back
 * @impatient: a punch did not end in time, or no lock was released in time
 * @region: the region waited for last; only compared, it may be freed
 * @pages: pages that its punches covered
 * @busy: the sum of the times that its punches took, in ns
 */
struct reclaim {
	struct shrink_control *sc;
	unsigned long deadline;
	unsigned long scanned;
	unsigned long freed;
	bool impatient;
	const struct ashmem_region *region;
	unsigned long pages;
	u64 busy;
};

/* Adds the time of a punch, or of its part done so far, to its region's. */
static void reclaim_add_time(struct reclaim *reclaim,
			     const struct ashmem_region *region, bool ended)
{
	u64 start = READ_ONCE(region->purge_start);

	if (reclaim->region != region) {
		reclaim->region = region;
		reclaim->pages = 0;
		reclaim->busy = 0;
	}
	reclaim->pages += READ_ONCE(region->purge_pages);
	if (ended)
		reclaim->busy += READ_ONCE(region->purge_time);
	else if (start)
		reclaim->busy += ktime_get_ns() - start;
}

/*
 * Returns whether the purge ended in time. If it did not, and the punches took
 * the time, not the wait for a free worker, the region is marked slow.
 */
static bool reclaim_wait(struct reclaim *reclaim, struct ashmem_region *region,
			 unsigned int number)
{
	long left = reclaim->deadline - jiffies;
	bool ended;

	if (left > 0)
		wait_event_timeout(region->purge_wait,
				   ashmem_purge_ended(region, number), left);
	ended = ashmem_purge_ended(region, number);
	reclaim_add_time(reclaim, region, ended);
	reclaim->impatient = !ended;
	if (!ended && reclaim->busy >= RECLAIM_SLOW &&
	    div_u64(reclaim->busy, RECLAIM_SLOW_PAGE) >= reclaim->pages)
		WRITE_ONCE(region->purge_slow, true);
	return ended;
}

/*
 * Marks ranges that hold no page as purged, from @next upwards. Nothing is
 * lost, so their age does not matter; and a region with many of them needs few
 * calls.
 */
static void reclaim_mark_empty(struct ashmem_region *region,
			       unsigned long next)
{
	struct ashmem_range *range;
	unsigned long first;
	unsigned int n;

	for (n = 0; n < ASHMEM_RANGE_BATCH; n++) {
		range = ashmem_range_first(region, next, ULONG_MAX);
		if (!range)
			return;
		next = range->last + 1;
		first = range->intact;
		if (range->head &&
		    !ashmem_backing_next(region->backing, &first, range->last))
			ashmem_range_purge(range, range->last);
	}
}

/*
 * Begins to purge the oldest range: as much of it as holds the pages that are
 * still wanted. An empty range was counted with its weight, so the weight is
 * taken off what is wanted; otherwise it would make other ranges go earlier.
 * Returns the pages of memory that the punch will free.
 */
static unsigned long reclaim_begin(struct reclaim *reclaim,
				   struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;
	unsigned long wanted = reclaim->sc->nr_to_scan - reclaim->scanned;
	unsigned long weight = ashmem_lru_weight(region);
	unsigned long first = range->intact;
	struct ashmem_populated found;
	unsigned long last;

	last = ashmem_backing_populated_span(region->backing, first,
					     range->last, wanted, &found);
	if (found.pages) {
		ashmem_purge_begin(region, first, last, found.pages);
		/*
		 * First the work: a PURGE_ALL_CACHES that no longer finds the
		 * range in the LRU must find the work, to wait for it.
		 */
		ashmem_purge_queue(region);
		ashmem_range_purge(range, last);
		reclaim->scanned += found.pages;
	} else {
		reclaim_mark_empty(region, range->first);
		reclaim->scanned += min(wanted, weight);
	}
	return found.resident;
}

/*
 * Sleeps a tick, for the holder of the region's lock to release it. That is
 * mostly another task in reclaim, which may have lost its processor. If reclaim
 * returned at once instead, the kernel would conclude that nothing can be
 * freed, and kill a process.
 */
static bool reclaim_wait_for_lock(struct reclaim *reclaim)
{
	reclaim->impatient = time_after_eq(jiffies, reclaim->deadline);
	if (!reclaim->impatient)
		schedule_timeout_uninterruptible(1);
	return !reclaim->impatient && !fatal_signal_pending(current);
}

/* Purges from the oldest range. Returns false if the call has to end. */
static bool reclaim_step(struct reclaim *reclaim)
{
	struct ashmem_region *region;
	struct ashmem_range *range;
	unsigned long resident = 0;
	unsigned int number;
	bool begun = true;
	bool ended;

	region = ashmem_lru_get_oldest(reclaim->sc, &range);
	if (IS_ERR(region))
		return reclaim_wait_for_lock(reclaim);
	if (!region)
		return false;
	number = READ_ONCE(region->purges_begun);
	if (range) {
		resident = reclaim_begin(reclaim, range);
		begun = region->purges_begun != number;
		number = region->purges_begun;
		mutex_unlock(&region->lock);
	}
	ended = !begun || reclaim_wait(reclaim, region, number);
	if (ended)
		reclaim->freed += resident;
	ashmem_region_put(region);
	cond_resched();
	return ended && !fatal_signal_pending(current);
}

/**
 * ashmem_reclaim - purge the oldest pages, from within reclaim
 * @sc: where, and about how many; how many were looked at comes back
 * @freed: the pages freed
 *
 * Waits for punches, and for regions to be unlocked, for a bounded time.
 *
 * Return: false if nothing more can be freed now, or the time is over.
 */
bool ashmem_reclaim(struct shrink_control *sc, unsigned long *freed)
{
	struct reclaim reclaim = {
		.sc = sc,
		.deadline = jiffies + RECLAIM_PATIENCE,
	};
	unsigned int steps = 0;
	bool more = true;

	while (more && reclaim.scanned < sc->nr_to_scan &&
	       steps++ < RECLAIM_MAX_STEPS)
		more = reclaim_step(&reclaim);
	*freed = reclaim.freed;
	if (reclaim.scanned >= sc->nr_to_scan)
		return !reclaim.impatient;
	sc->nr_scanned = reclaim.scanned;
	return reclaim.freed && !reclaim.impatient;
}

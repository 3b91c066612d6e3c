// SPDX-License-Identifier: GPL-2.0-only
/*
 * Purging: the one path by which reclaim and PURGE_ALL_CACHES drop pages.
 *
 * A purge begins under the region's lock: pages are marked as purged, and the
 * region notes that their punch is to come. It ends, with all locks left, when
 * they are punched out. A region has one purge at a time. PIN waits for one
 * that overlaps, for it must not report pages as safe while a punch is still
 * to come; nobody else waits, in this region or another.
 *
 * Reclaim begins purges but leaves the punch to a worker, and waits for it for
 * a bounded time only: a punch waits for the pages' locks, and a task that got
 * into reclaim may hold one of these (it may be collapsing or splitting a huge
 * page of the very same file).
 */
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "ashmem.h"

/* How long reclaim waits for a worker to punch: long beside a usual punch. */
#define RECLAIM_PATIENCE (HZ / 10)

static struct workqueue_struct *purge_workers;

/**
 * ashmem_purge_init - start the workers
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_purge_init(void)
{
	/* memory is short when they are needed: they have a rescuer */
	purge_workers = alloc_workqueue(KBUILD_MODNAME, WQ_MEM_RECLAIM |
					WQ_UNBOUND | WQ_HIGHPRI, 0);
	return purge_workers ? 0 : -ENOMEM;
}

/**
 * ashmem_purge_exit - stop the workers once they are through
 */
void ashmem_purge_exit(void)
{
	destroy_workqueue(purge_workers);
}

/**
 * ashmem_purge_under_way - has a region a purge that has not ended
 * @region: the region
 *
 * With the region's lock held, false stays false: none begins meanwhile.
 *
 * Return: true if it has.
 */
bool ashmem_purge_under_way(const struct ashmem_region *region)
{
	return READ_ONCE(region->purges_begun) !=
	       READ_ONCE(region->purges_done);
}

/**
 * ashmem_purge_overlaps - is a purge of any of these pages under way
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 *
 * Return: true if one is.
 */
bool ashmem_purge_overlaps(const struct ashmem_region *region,
			   unsigned long first, unsigned long last)
{
	lockdep_assert_held(&region->lock);
	return ashmem_purge_under_way(region) &&
	       region->purge_first <= last && first <= region->purge_last;
}

/**
 * ashmem_purge_ended - is a purge through
 * @region: the region; its lock is not needed
 * @number: the region's purges_begun, read with that purge under way
 *
 * Return: true if it is, or if there never was one.
 */
bool ashmem_purge_ended(const struct ashmem_region *region, unsigned int number)
{
	/* pairs with purge_end(): who sees the number sees the pages gone */
	unsigned int done = smp_load_acquire(&region->purges_done);

	return (int)(done - number) >= 0;
}

/*
 * Begins to purge the oldest interval: as much of it as has about @most pages
 * to drop. Returns how many these are; one for none at all, so that who counts
 * gets on.
 */
static unsigned long purge_begin(struct ashmem_region *region,
				 unsigned long most)
{
	struct ashmem_range *range = ashmem_lru_oldest_of(region);
	unsigned long pages = most;
	unsigned long last;

	lockdep_assert_held(&region->lock);

	last = ashmem_backing_stretch(region->backing, range->it.start,
				      range->it.last, &pages);
	region->purge_first = range->it.start;
	region->purge_last = ashmem_range_purge(range, last);
	WRITE_ONCE(region->purges_begun, region->purges_begun + 1);
	return pages ?: 1;
}

/* Ends it. The caller is not in reclaim and holds no lock. */
static void purge_end(struct ashmem_region *region)
{
	unsigned int flags;

	/* what a punch allocates is little, and it gives back far more */
	flags = memalloc_noreclaim_save();
	ashmem_backing_punch(region->backing, region->purge_first,
			     region->purge_last);
	memalloc_noreclaim_restore(flags);

	/* pairs with ashmem_purge_ended() */
	smp_store_release(&region->purges_done, region->purges_done + 1);
	wake_up_all(&region->purge_wait);
}

static void purge_work(struct work_struct *work)
{
	struct ashmem_region *region =
		container_of(work, struct ashmem_region, purge_work);

	purge_end(region);
	ashmem_region_put(region);
}

/**
 * ashmem_purge_init_region - prepare a new region for being purged
 * @region: the region, zeroed
 */
void ashmem_purge_init_region(struct ashmem_region *region)
{
	init_waitqueue_head(&region->purge_wait);
	INIT_WORK(&region->purge_work, purge_work);
}

static bool wait_for_worker(struct ashmem_region *region, unsigned int number)
{
	return wait_event_timeout(region->purge_wait,
				  ashmem_purge_ended(region, number),
				  RECLAIM_PATIENCE);
}

/**
 * ashmem_purge_reclaim - purge the oldest pages, from within reclaim
 * @most: about how many pages that hold something
 *
 * Never waits for a region's lock, and for a punch for a bounded time.
 *
 * Return: the pages purged, 0 if there was nothing, or nothing to be had now.
 */
unsigned long ashmem_purge_reclaim(unsigned long most)
{
	struct ashmem_region *region;
	unsigned long done = 0;
	bool patient = true;
	unsigned int number;

	while (done < most && !fatal_signal_pending(current)) {
		/* one that is being purged is still the oldest: it is next */
		region = ashmem_lru_trylock_oldest(patient);
		if (!region)
			break;
		if (!ashmem_purge_under_way(region)) {
			done += purge_begin(region, most - done);
			ashmem_region_get(region);
			queue_work(purge_workers, &region->purge_work);
		}
		number = region->purges_begun;
		mutex_unlock(&region->lock);

		if (patient)
			patient = wait_for_worker(region, number);
		ashmem_region_put(region);
		cond_resched();
	}
	return done;
}

/* Purges the oldest interval of a region, which may change at any moment. */
static int purge_oldest_of(struct ashmem_region *region, u64 age)
{
	struct ashmem_range *range;
	bool begun = false;
	unsigned int number;

	if (mutex_lock_killable(&region->lock))
		return -EINTR;
	range = ashmem_lru_oldest_of(region);
	if (range && range->age <= age && !ashmem_purge_under_way(region)) {
		purge_begin(region, ULONG_MAX);
		begun = true;
	}
	number = region->purges_begun;
	mutex_unlock(&region->lock);

	if (begun)
		purge_end(region);
	return wait_event_killable(region->purge_wait,
				   ashmem_purge_ended(region, number));
}

/**
 * ashmem_purge_all - purge every range in the system that is unpinned now
 *
 * Return: the pages that were purgeable before, at most INT_MAX; -EINTR or
 * -ERESTARTSYS if the caller was killed meanwhile.
 */
long ashmem_purge_all(void)
{
	unsigned long before = ashmem_lru_pages_exact();
	u64 age = ashmem_lru_now();
	struct ashmem_region *region;
	int ret = 0;

	while (!ret && (region = ashmem_lru_get_oldest(age))) {
		ret = purge_oldest_of(region, age);
		ashmem_region_put(region);
		cond_resched();
	}
	return ret ?: before;
}

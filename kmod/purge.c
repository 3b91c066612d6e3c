// SPDX-License-Identifier: GPL-2.0-only
/*
 * Purging: how reclaim and PURGE_ALL_CACHES drop pages.
 *
 * A purge begins under the region's lock: pages are marked as purged, and the
 * region notes the punch to come. It ends, with no lock held, when the pages
 * are punched out. A region has one purge at a time, of a bounded number of
 * pages. PIN waits for a purge that overlaps, since it must not report pages as
 * safe before the punch. Close waits too, since maps may live on. Nobody else
 * waits.
 *
 * For reclaim a worker punches; reclaim.c says why.
 */
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include "ashmem.h"
#include "compat/compat.h"
#include "trace.h"

static struct workqueue_struct *purge_workers;

/**
 * ashmem_purge_init - start the workers
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_purge_init(void)
{
	/*
	 * Memory is short when the workers are needed, so they have a rescuer.
	 * Their priority is an ordinary one: the processes that map the region
	 * determine how long a punch takes, and must not gain processor time.
	 */
	purge_workers = alloc_workqueue(KBUILD_MODNAME, WQ_MEM_RECLAIM |
					WQ_UNBOUND, 0);
	return purge_workers ? 0 : -ENOMEM;
}

/**
 * ashmem_purge_exit - stop the workers when they have finished
 */
void ashmem_purge_exit(void)
{
	destroy_workqueue(purge_workers);
}

/**
 * ashmem_purge_overlaps - whether a purge of any of these pages is under way
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
 * ashmem_purge_ended - whether a purge has ended
 * @region: the region; its lock is not needed
 * @number: the region's purges_begun, read with that purge under way
 *
 * Return: true if it has, or if there never was one.
 */
bool ashmem_purge_ended(const struct ashmem_region *region, unsigned int number)
{
	/* pairs with ashmem_purge_end(): the pages are dropped before the count */
	unsigned int done = smp_load_acquire(&region->purges_done);

	return (int)(done - number) >= 0;
}

/**
 * ashmem_purge_begin - note a punch that is to come
 * @region: the region, locked, without a purge under way
 * @first: first page
 * @last: last page, included
 * @pages: pages that it may free, at most
 *
 * The caller marks the pages as purged before it releases the lock.
 */
void ashmem_purge_begin(struct ashmem_region *region, unsigned long first,
			unsigned long last, unsigned long pages)
{
	lockdep_assert_held(&region->lock);

	region->purge_first = first;
	region->purge_last = last;
	WRITE_ONCE(region->purge_pages, pages);
	WRITE_ONCE(region->purge_slow, false);
	WRITE_ONCE(region->purge_start, 0);
	WRITE_ONCE(region->purges_begun, region->purges_begun + 1);
	trace_ashmem_purge_begin(region);
}

/**
 * ashmem_purge_end - punch the pages of the purge under way
 * @region: the region, not locked
 *
 * For a caller who is not in reclaim and holds no lock.
 */
void ashmem_purge_end(struct ashmem_region *region)
{
	u64 start = ktime_get_ns();
	unsigned int flags;

	lockdep_assert_not_held(&region->lock);

	/*
	 * A punch allocates a little and may enter reclaim, which must not call
	 * this driver: it would wait for itself.
	 */
	WRITE_ONCE(region->purge_start, start);
	flags = memalloc_nofs_save();
	ashmem_backing_punch(region->backing, region->purge_first,
			     region->purge_last);
	memalloc_nofs_restore(flags);
	WRITE_ONCE(region->purge_time, ktime_get_ns() - start);
	trace_ashmem_purge_end(region);

	/* pairs with ashmem_purge_ended() */
	smp_store_release(&region->purges_done, region->purges_done + 1);
	if (wq_has_sleeper(&region->purge_wait))
		wake_up_all(&region->purge_wait);
}

static void purge_work(struct work_struct *work)
{
	struct ashmem_region *region =
		container_of(work, struct ashmem_region, purge_work);

	ashmem_purge_end(region);
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

/**
 * ashmem_purge_queue - have a worker punch the pages of the purge under way
 * @region: the region, locked
 */
void ashmem_purge_queue(struct ashmem_region *region)
{
	lockdep_assert_held(&region->lock);
	ashmem_region_get(region);
	queue_work(purge_workers, &region->purge_work);
}

/**
 * ashmem_purge_flush - wait for all punches that workers have been given
 */
void ashmem_purge_flush(void)
{
	flush_workqueue(purge_workers);
}

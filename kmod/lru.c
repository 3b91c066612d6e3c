// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of unpinning, the oldest first: what reclaim purges next.
 *
 * Each region keeps its own unpinned intervals in order, under its own lock.
 * The regions themselves are in a tree by the age of the oldest interval that
 * they have. So lru_lock is taken only where that changes, and a region that
 * is busy is stepped over at once, however many intervals it has.
 *
 * Ages are taken from a clock that every UNPIN advances by one.
 *
 * A region is in the tree while it has intervals that are not purged, which
 * changes under its lock only. So whoever holds lru_lock and sees a region
 * knows that it lives.
 */
#include <linux/atomic.h>
#include <linux/percpu_counter.h>
#include "ashmem.h"

/* Busy regions that reclaim steps over before it gives up. */
#define LRU_MOST_BUSY 64

/*
 * What an interval counts for at the most: PURGE_ALL_CACHES can answer no more
 * than an int holds, and sums of larger ones could overflow.
 */
#define LRU_MOST_PAGES ((unsigned long)INT_MAX)

static DEFINE_SPINLOCK(lru_lock);
static struct rb_root_cached lru_regions = RB_ROOT_CACHED;
static atomic64_t lru_clock = ATOMIC64_INIT(0);
static struct percpu_counter lru_pages;

/**
 * ashmem_lru_init - prepare the count of purgeable pages
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_lru_init(void)
{
	return percpu_counter_init(&lru_pages, 0, GFP_KERNEL);
}

/**
 * ashmem_lru_exit - destroy the count; no region lives any more
 */
void ashmem_lru_exit(void)
{
	percpu_counter_destroy(&lru_pages);
}

static s64 lru_weight(unsigned long pages)
{
	return min(pages, LRU_MOST_PAGES);
}

/**
 * ashmem_lru_oldest_of - a region's oldest interval
 * @region: the region, locked
 *
 * Return: the interval, or NULL if none can be purged.
 */
struct ashmem_range *ashmem_lru_oldest_of(struct ashmem_region *region)
{
	lockdep_assert_held(&region->lock);
	return list_first_entry_or_null(&region->lru, struct ashmem_range, lru);
}

static void lru_insert_region(struct ashmem_region *region)
{
	struct rb_node **link = &lru_regions.rb_root.rb_node;
	struct rb_node *parent = NULL;
	bool leftmost = true;

	lockdep_assert_held(&lru_lock);

	while (*link) {
		parent = *link;
		if (region->lru_age < rb_entry(parent, struct ashmem_region,
					       lru_node)->lru_age) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&region->lru_node, parent, link);
	rb_insert_color_cached(&region->lru_node, &lru_regions, leftmost);
}

/* Moves a region to where the age of its oldest interval belongs. */
static void lru_place_region(struct ashmem_region *region)
{
	struct ashmem_range *oldest = ashmem_lru_oldest_of(region);

	spin_lock(&lru_lock);
	if (!RB_EMPTY_NODE(&region->lru_node))
		rb_erase_cached(&region->lru_node, &lru_regions);
	if (oldest) {
		region->lru_age = oldest->age;
		lru_insert_region(region);
	} else {
		RB_CLEAR_NODE(&region->lru_node);
	}
	spin_unlock(&lru_lock);
}

/**
 * ashmem_lru_add - an interval was unpinned now
 * @range: the interval, its region locked
 */
void ashmem_lru_add(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;

	lockdep_assert_held(&region->lock);

	range->age = atomic64_inc_return(&lru_clock);
	list_add_tail(&range->lru, &region->lru);
	if (ashmem_lru_oldest_of(region) == range)
		lru_place_region(region);
	percpu_counter_add(&lru_pages, lru_weight(ashmem_range_pages(range)));
}

/**
 * ashmem_lru_add_above - an interval split off another keeps its age
 * @range: the upper part; its region is locked
 * @below: the lower part, in the order already
 */
void ashmem_lru_add_above(struct ashmem_range *range,
			  struct ashmem_range *below)
{
	lockdep_assert_held(&range->region->lock);

	range->age = below->age;
	list_add(&range->lru, &below->lru);
	percpu_counter_add(&lru_pages, lru_weight(ashmem_range_pages(range)));
}

/**
 * ashmem_lru_del - an interval leaves the order: pinned, purged or merged
 * @range: the interval, its region locked
 */
void ashmem_lru_del(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;
	bool oldest = ashmem_lru_oldest_of(region) == range;

	lockdep_assert_held(&region->lock);

	list_del(&range->lru);
	if (oldest)
		lru_place_region(region);
	percpu_counter_sub(&lru_pages, lru_weight(ashmem_range_pages(range)));
}

/**
 * ashmem_lru_resized - an interval in the order grew or shrank
 * @before: its pages before
 * @after: its pages now
 */
void ashmem_lru_resized(unsigned long before, unsigned long after)
{
	percpu_counter_add(&lru_pages, lru_weight(after) - lru_weight(before));
}

/**
 * ashmem_lru_is_youngest - was nothing unpinned after an interval, anywhere
 * @range: the interval, its region locked
 *
 * Return: true if it is so. Another region may unpin the moment after: then
 * the two unpinned at the same time.
 */
bool ashmem_lru_is_youngest(const struct ashmem_range *range)
{
	lockdep_assert_held(&range->region->lock);
	return !range->purged && range->age == ashmem_lru_now();
}

/**
 * ashmem_lru_now - the age of what was unpinned last
 *
 * Return: the number of UNPINs that added an interval so far.
 */
u64 ashmem_lru_now(void)
{
	return atomic64_read(&lru_clock);
}

/**
 * ashmem_lru_pages - about how many pages a purge of everything would drop
 *
 * Return: their number, never negative; cheap.
 */
unsigned long ashmem_lru_pages(void)
{
	return min_t(u64, percpu_counter_read_positive(&lru_pages), LONG_MAX);
}

/**
 * ashmem_lru_pages_exact - how many pages a purge of everything would drop
 *
 * Return: their number, at most LRU_MOST_PAGES; asks every processor.
 */
unsigned long ashmem_lru_pages_exact(void)
{
	return min_t(u64, percpu_counter_sum_positive(&lru_pages),
		     LRU_MOST_PAGES);
}

/**
 * ashmem_lru_trylock_oldest - the oldest region that is not busy
 * @purging_too: also one that has a purge under way
 *
 * For reclaim: never waits for a region, for its holder may be waiting for us.
 *
 * Return: the region, locked and with a reference for the caller; NULL if
 * there is none, or the oldest are all busy.
 */
struct ashmem_region *ashmem_lru_trylock_oldest(bool purging_too)
{
	struct ashmem_region *region, *found = NULL;
	unsigned int busy = 0;
	struct rb_node *node;

	spin_lock(&lru_lock);
	for (node = rb_first_cached(&lru_regions); node && !found;
	     node = rb_next(node)) {
		region = rb_entry(node, struct ashmem_region, lru_node);
		if ((purging_too || !ashmem_purge_under_way(region)) &&
		    mutex_trylock(&region->lock)) {
			ashmem_region_get(region);
			found = region;
		} else if (++busy == LRU_MOST_BUSY) {
			break;
		}
	}
	spin_unlock(&lru_lock);
	return found;
}

/**
 * ashmem_lru_get_oldest - the oldest region, busy or not
 * @age: only one that has an interval of this age or older
 *
 * Return: the region with a reference for the caller, NULL if there is none.
 */
struct ashmem_region *ashmem_lru_get_oldest(u64 age)
{
	struct ashmem_region *region = NULL;
	struct rb_node *node;

	spin_lock(&lru_lock);
	node = rb_first_cached(&lru_regions);
	if (node) {
		region = rb_entry(node, struct ashmem_region, lru_node);
		if (region->lru_age <= age)
			ashmem_region_get(region);
		else
			region = NULL;
	}
	spin_unlock(&lru_lock);
	return region;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * An interval of unpinned pages: its object, and its place in its region's
 * tree, by page number. unpinned.c has the rules for the intervals of a region.
 */
#include <linux/minmax.h>
#include <linux/slab.h>
#include "ashmem.h"
#include "compat/compat.h"

static struct kmem_cache *range_cache;

/**
 * ashmem_range_init - make the slab of intervals
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_range_init(void)
{
	range_cache = KMEM_CACHE(ashmem_range, SLAB_ACCOUNT);
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
 * ashmem_range_alloc - memory for an interval, charged to the caller's cgroup
 * @region: the region that the interval will be of, as long as it lives
 *
 * Return: an interval that is not in the region's tree yet, or NULL.
 */
struct ashmem_range *ashmem_range_alloc(struct ashmem_region *region)
{
	struct ashmem_range *range;

	range = kmem_cache_alloc_lru(range_cache, &ashmem_lru, GFP_KERNEL);
	if (range) {
		/* never written again: walks of the LRU read it without a lock */
		range->region = region;
		range->head = NULL;
		range->memcg = ashmem_lru_memcg();
	}
	return range;
}

/**
 * ashmem_range_free - give back an interval, and the place that it kept
 * @range: an interval that is in no region
 */
void ashmem_range_free(struct ashmem_range *range)
{
	if (range->head)
		ashmem_lru_del(range);
	kmem_cache_free(range_cache, range);
}

/**
 * ashmem_range_set_spare - keep an interval for when the next one is needed
 * @region: the region, locked
 * @range: an interval that is in no region, or NULL for none
 */
void ashmem_range_set_spare(struct ashmem_region *region,
			    struct ashmem_range *range)
{
	lockdep_assert_held(&region->lock);
	if (region->spare)
		ashmem_range_free(region->spare);
	WRITE_ONCE(region->spare, range);
}

/**
 * ashmem_range_take_spare - the spare interval, for use
 * @region: the region, locked
 *
 * Return: the interval, which may still have a place in the LRU, or NULL.
 */
struct ashmem_range *ashmem_range_take_spare(struct ashmem_region *region)
{
	struct ashmem_range *range = region->spare;

	lockdep_assert_held(&region->lock);
	WRITE_ONCE(region->spare, NULL);
	return range;
}

/**
 * ashmem_range_first - the lowest interval that has any of these pages
 * @region: the region, locked
 * @first: first page
 * @last: last page, included
 *
 * Return: the interval, or NULL if all the pages are pinned.
 */
struct ashmem_range *ashmem_range_first(struct ashmem_region *region,
					unsigned long first, unsigned long last)
{
	struct rb_node *node = region->ranges.rb_node;
	struct ashmem_range *range, *found = NULL;

	lockdep_assert_held(&region->lock);

	while (node) {
		range = rb_entry(node, struct ashmem_range, node);
		if (range->last < first) {
			node = node->rb_right;
			continue;
		}
		found = range;
		/* Disjoint: none below it has @first too */
		if (range->first <= first)
			break;
		node = node->rb_left;
	}
	return found && found->first <= last ? found : NULL;
}

/* The LRU reads both counts without the lock. */
static void range_account(struct ashmem_region *region, long pages, long purged)
{
	WRITE_ONCE(region->unpinned_pages, region->unpinned_pages + pages);
	WRITE_ONCE(region->purged_pages, region->purged_pages + purged);
}

/**
 * ashmem_range_insert - an interval comes into a region's tree
 * @region: the region, locked
 * @range: an interval that is in no region
 * @first: first page
 * @last: last page, included
 * @intact: first page that was not purged, @last + 1 if all were
 */
void ashmem_range_insert(struct ashmem_region *region,
			 struct ashmem_range *range, unsigned long first,
			 unsigned long last, unsigned long intact)
{
	struct rb_node **link = &region->ranges.rb_node;
	struct rb_node *parent = NULL;

	lockdep_assert_held(&region->lock);

	while (*link) {
		parent = *link;
		if (first < rb_entry(parent, struct ashmem_range, node)->first)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	range->first = first;
	range->last = last;
	range->intact = intact;
	range->parts = NULL;
	rb_link_node(&range->node, parent, link);
	rb_insert_color(&range->node, &region->ranges);
	region->range_count++;
	range_account(region, ashmem_range_pages(range),
		      ashmem_range_purged_pages(range));
}

/**
 * ashmem_range_remove - an interval leaves its region's tree
 * @range: the interval, its region locked
 */
void ashmem_range_remove(struct ashmem_range *range)
{
	struct ashmem_region *region = range->region;

	lockdep_assert_held(&region->lock);

	rb_erase(&range->node, &region->ranges);
	region->range_count--;
	range_account(region, -ashmem_range_pages(range),
		      -ashmem_range_purged_pages(range));
}

/**
 * ashmem_range_resize - an interval gets other pages
 * @range: the interval, its region locked
 * @first: first page
 * @last: last page, included
 * @intact: first page that was not purged, @last + 1 if all were
 *
 * The pages meet no other interval's, so it keeps its place in the tree.
 */
void ashmem_range_resize(struct ashmem_range *range, unsigned long first,
			 unsigned long last, unsigned long intact)
{
	lockdep_assert_held(&range->region->lock);

	range_account(range->region, -ashmem_range_pages(range),
		      -ashmem_range_purged_pages(range));
	range->first = first;
	range->last = last;
	range->intact = intact;
	range_account(range->region, ashmem_range_pages(range),
		      ashmem_range_purged_pages(range));
}

/**
 * ashmem_range_swap - exchange the intervals of two objects
 * @a: an interval, its region locked
 * @b: another of the same region
 */
void ashmem_range_swap(struct ashmem_range *a, struct ashmem_range *b)
{
	struct rb_root *root = &a->region->ranges;
	struct rb_node place;

	lockdep_assert_held(&a->region->lock);

	rb_replace_node(&a->node, &place, root);
	rb_replace_node(&b->node, &a->node, root);
	rb_replace_node(&place, &b->node, root);
	swap(a->first, b->first);
	swap(a->last, b->last);
	swap(a->intact, b->intact);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: how memory pressure, of the machine or of a memory cgroup,
 * leads to a purge.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/shrinker.h>
#include "ashmem.h"
#include "compat/compat.h"

static struct shrinker *ashmem_shrinker;

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	/* empty: the kernel asks again once a range is added to this list */
	if (!list_lru_shrink_count(&ashmem_lru, sc))
		return SHRINK_EMPTY;
	return ashmem_lru_pages(sc);
}

/* The pages that one reclaim gets, and the room that a cgroup should have. */
#define SHRINKER_ENOUGH 128UL

/* As for an allocation that any zone may serve. */
static bool node_is_short(int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;
	struct zone *end = zone + MAX_NR_ZONES;

	for (; zone < end; zone++)
		if (populated_zone(zone) &&
		    zone_page_state(zone, NR_FREE_PAGES) >
		    low_wmark_pages(zone) +
		    zone->lowmem_reserve[MAX_NR_ZONES - 1])
			return false;
	return true;
}

static bool memcg_is_short(struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	struct page_counter *memory = memcg ? &memcg->memory : NULL;
	unsigned long usage;

	for (; memory; memory = memory->parent) {
		usage = page_counter_read(memory);
		if (usage + SHRINKER_ENOUGH > READ_ONCE(memory->max) ||
		    usage > READ_ONCE(memory->high))
			return true;
	}
#endif
	return false;
}

static bool is_short(struct shrink_control *sc)
{
	return memcg_is_short(sc->memcg) || node_is_short(sc->nid);
}

/*
 * Reclaim stops when it has been credited with the few pages that it wants.
 * This shrinker gives the credit once neither node nor cgroup is short any
 * more.
 *
 *  - With an earlier credit the kernel might kill a process while unpinned pages
 *    are left, for it counts pages outside its own LRU lists as unreclaimable.
 *  - With a later one, or none, a single allocation would purge everything.
 *
 * Since 6.4 reclaim for the limit of a memory cgroup ignores the credit. It
 * stops because the shrinker answers SHRINK_STOP.
 */
static unsigned long shrinker_scan(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	unsigned long freed;
	bool more;

	/* a filesystem that allocates must not wait for a punch */
	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	if (ashmem_compat_reclaimed_pages() >= SHRINKER_ENOUGH && !is_short(sc))
		return SHRINK_STOP;
	more = ashmem_reclaim(sc, &freed);
	if (!is_short(sc))
		mm_account_reclaimed_pages(freed);
	return more ? freed : SHRINK_STOP;
}

/**
 * ashmem_shrinker_init - register the shrinker and its lists
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_shrinker_init(void)
{
	ashmem_shrinker = shrinker_alloc(SHRINKER_MEMCG_AWARE |
					 SHRINKER_NUMA_AWARE, KBUILD_MODNAME);
	if (!ashmem_shrinker)
		return -ENOMEM;
	ashmem_shrinker->count_objects = shrinker_count;
	ashmem_shrinker->scan_objects = shrinker_scan;
	/* an unpinned page is worth no more than page cache */
	ashmem_shrinker->seeks = DEFAULT_SEEKS;
	return ashmem_compat_shrinker_register(ashmem_shrinker, &ashmem_lru);
}

/**
 * ashmem_shrinker_exit - unregister the shrinker; waits for scans under way
 */
void ashmem_shrinker_exit(void)
{
	shrinker_free(ashmem_shrinker);
	list_lru_destroy(&ashmem_lru);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: how memory pressure reaches the purge.
 */
#include <linux/mm.h>
#include <linux/shrinker.h>
#include "ashmem.h"
#include "compat/compat.h"

static struct shrinker *ashmem_shrinker;

static unsigned long shrinker_count(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	unsigned long pages = ashmem_lru_pages();

	/* ranges may be vast and empty: ask for no more than memory holds */
	pages = min(pages, totalram_pages());
	return pages ?: SHRINK_EMPTY;
}

static unsigned long shrinker_scan(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	unsigned long done;

	/* a caller from a filesystem is not to wait for a punch */
	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	done = ashmem_purge_reclaim(sc->nr_to_scan);
	sc->nr_scanned = done;
	return done ?: SHRINK_STOP;
}

/**
 * ashmem_shrinker_init - take part in reclaim
 *
 * Return: 0 or -ENOMEM.
 */
int __init ashmem_shrinker_init(void)
{
	ashmem_shrinker = shrinker_alloc(0, KBUILD_MODNAME);
	if (!ashmem_shrinker)
		return -ENOMEM;
	ashmem_shrinker->count_objects = shrinker_count;
	ashmem_shrinker->scan_objects = shrinker_scan;
	/* a page that its owner let go is worth no more than page cache */
	ashmem_shrinker->seeks = DEFAULT_SEEKS;
	return ashmem_compat_shrinker_register(ashmem_shrinker);
}

/**
 * ashmem_shrinker_exit - leave reclaim; waits for scans under way
 */
void ashmem_shrinker_exit(void)
{
	shrinker_free(ashmem_shrinker);
}

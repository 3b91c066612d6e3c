// SPDX-License-Identifier: GPL-2.0-only
/* kmem_cache_alloc_lru(): since 5.18 */
#include <linux/slab.h>

void *probe(struct kmem_cache *cache, struct list_lru *lru);

void *probe(struct kmem_cache *cache, struct list_lru *lru)
{
	return kmem_cache_alloc_lru(cache, lru, GFP_KERNEL);
}

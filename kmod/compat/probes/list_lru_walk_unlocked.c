// SPDX-License-Identifier: GPL-2.0-only
/* a walk's callback is not handed the lock: since 6.13 */
#include <linux/list_lru.h>

unsigned long probe(struct list_lru *lru);

static enum lru_status callback(struct list_head *item,
				struct list_lru_one *list, void *arg)
{
	return LRU_SKIP;
}

unsigned long probe(struct list_lru *lru)
{
	return list_lru_walk(lru, callback, NULL, 1);
}

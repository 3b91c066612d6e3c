// SPDX-License-Identifier: GPL-2.0-only
/* shrinker_alloc() in place of register_shrinker(): since 6.7 */
#include <linux/mm.h>
#include <linux/shrinker.h>

struct shrinker *probe(void);

struct shrinker *probe(void)
{
	return shrinker_alloc(0, "probe");
}

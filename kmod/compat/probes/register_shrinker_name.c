// SPDX-License-Identifier: GPL-2.0-only
/* register_shrinker() with a name: from 6.0 to 6.6 */
#include <linux/mm.h>
#include <linux/shrinker.h>

int probe(struct shrinker *shrinker);

int probe(struct shrinker *shrinker)
{
	return register_shrinker(shrinker, "probe");
}

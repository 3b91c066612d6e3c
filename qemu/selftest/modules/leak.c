// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Forgets memory while it loads.
#include <linux/module.h>
#include <linux/slab.h>

/* The last few may still be named somewhere, by chance. */
#define FORGOTTEN 64

/* Not __init: the report is written when that would have lost its name. */
static noinline int selftest_forget(void)
{
	for (int i = 0; i < FORGOTTEN; i++) {
		void *forgotten = kmalloc(1000, GFP_KERNEL);

		if (!forgotten)
			return -ENOMEM;
	}
	return 0;
}

static int __init selftest_leak(void)
{
	return selftest_forget();
}
module_init(selftest_leak);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: leak");
MODULE_LICENSE("GPL");

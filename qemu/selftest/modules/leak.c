// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Forgets memory while it loads.
#include <linux/module.h>
#include <linux/slab.h>

/* Not __init: the report is written when that would have lost its name. */
static noinline int selftest_forget(void)
{
	void *forgotten = kmalloc(1000, GFP_KERNEL);

	return forgotten ? 0 : -ENOMEM;
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

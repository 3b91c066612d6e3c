// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Reads memory that it has freed, while it loads.
#include <linux/module.h>
#include <linux/slab.h>

static int __init selftest_uaf(void)
{
	char *freed = kzalloc(100, GFP_KERNEL);

	if (!freed)
		return -ENOMEM;
	kfree(freed);
	OPTIMIZER_HIDE_VAR(freed);
	return READ_ONCE(*freed) ? 0 : 0;
}
module_init(selftest_uaf);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: use after free");
MODULE_LICENSE("GPL");

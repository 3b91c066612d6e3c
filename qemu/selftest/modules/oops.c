// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Reads through a null pointer while it loads.
#include <linux/module.h>

static int __init selftest_oops(void)
{
	int *volatile nowhere = NULL;

	return READ_ONCE(*nowhere);
}
module_init(selftest_oops);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: oops");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Will not load.
#include <linux/module.h>

static int __init selftest_refuse(void)
{
	return -ENODEV;
}
module_init(selftest_refuse);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: refuse");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Does nothing; the licence string is what taints the kernel.
#include <linux/module.h>

static int __init selftest_taint(void)
{
	return 0;
}
module_init(selftest_taint);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: taint");
MODULE_LICENSE("Proprietary");

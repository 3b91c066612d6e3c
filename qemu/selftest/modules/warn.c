// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Warns and goes on, as a Debian kernel lets it.
#include <linux/module.h>

static int __init selftest_warn(void)
{
	WARN_ON(1);
	return 0;
}
module_init(selftest_warn);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: warn");
MODULE_LICENSE("GPL");

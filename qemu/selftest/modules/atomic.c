// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Asks, under a spinlock, to sleep, while it loads.
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(selftest_lock);

static int __init selftest_atomic(void)
{
	spin_lock(&selftest_lock);
	might_sleep();
	spin_unlock(&selftest_lock);
	return 0;
}
module_init(selftest_atomic);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: sleep in atomic context");
MODULE_LICENSE("GPL");

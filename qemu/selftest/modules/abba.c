// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Takes two locks in both orders while it loads, which deadlocks nobody here.
#include <linux/module.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(selftest_first);
static DEFINE_MUTEX(selftest_second);

static int __init selftest_abba(void)
{
	mutex_lock(&selftest_first);
	mutex_lock(&selftest_second);
	mutex_unlock(&selftest_second);
	mutex_unlock(&selftest_first);

	mutex_lock(&selftest_second);
	mutex_lock(&selftest_first);
	mutex_unlock(&selftest_first);
	mutex_unlock(&selftest_second);
	return 0;
}
module_init(selftest_abba);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: lock order");
MODULE_LICENSE("GPL");

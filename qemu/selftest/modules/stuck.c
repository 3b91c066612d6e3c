// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Takes a lock that it holds: loading it never ends, and no signal ends it.
#include <linux/module.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(selftest_held);

static int __init selftest_stuck(void)
{
	mutex_lock(&selftest_held);
	mutex_lock(&selftest_held);
	return 0;
}
module_init(selftest_stuck);

MODULE_DESCRIPTION("Self-test of the VM harness: a thread that waits for itself");
MODULE_LICENSE("GPL");

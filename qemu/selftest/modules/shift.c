// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Shifts a number by more bits than it has, while it loads.
#include <linux/module.h>

static unsigned int selftest_bits = 40;

static int __init selftest_shift(void)
{
	return 1U << READ_ONCE(selftest_bits) ? 0 : 0;
}
module_init(selftest_shift);

static void __exit selftest_unload(void)
{
}
module_exit(selftest_unload);

MODULE_DESCRIPTION("Self-test of the VM harness: shift out of bounds");
MODULE_LICENSE("GPL");

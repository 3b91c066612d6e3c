// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another driver with the name "ashmem", for the test that loads ours beside it.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations squatter_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice squatter = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ashmem",
	.fops = &squatter_fops,
};

module_misc_device(squatter);
MODULE_DESCRIPTION("Holds the name of /dev/ashmem, for a test");
MODULE_LICENSE("GPL");

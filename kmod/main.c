// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: puts the parts together and registers /dev/ashmem.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include "ashmem.h"

/*
 * Every program that shares memory opens the node, and an open only gives it a
 * region of its own. So every user may open it, as on Android.
 */
static ushort mode = 0666;
module_param(mode, ushort, 0444);
MODULE_PARM_DESC(mode, "permission bits of /dev/ashmem (default 0666)");

static struct miscdevice ashmem_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ashmem",
	.fops = &ashmem_fops,
};

static int __init ashmem_device_init(void)
{
	int ret;

	ashmem_misc.mode = mode;
	ret = misc_register(&ashmem_misc);
	if (ret == -EEXIST) {
		pr_err("another driver already provides /dev/ashmem, unload it first\n");
		/* modprobe takes EEXIST from an init for "already loaded", a success */
		return -EBUSY;
	}
	if (ret)
		pr_err("cannot register /dev/ashmem: error %d\n", ret);
	return ret;
}

static int __init ashmem_init(void)
{
	int ret;

	if (mode & ~0777) {
		pr_err("mode=0%o is not a set of permission bits (0 to 0777)\n",
		       mode);
		return -EINVAL;
	}
	ret = ashmem_range_init();
	if (ret)
		return ret;
	ret = ashmem_region_init();
	if (ret)
		goto err_range;
	ret = ashmem_backing_init();
	if (ret)
		goto err_region;
	ret = ashmem_purge_init();
	if (ret)
		goto err_region;
	ret = ashmem_shrinker_init();
	if (ret)
		goto err_purge;
	ret = ashmem_device_init();
	if (ret)
		goto err_shrinker;
	return 0;

err_shrinker:
	ashmem_shrinker_exit();
err_purge:
	ashmem_purge_exit();
err_region:
	ashmem_region_exit();
err_range:
	ashmem_range_exit();
	return ret;
}

static void __exit ashmem_exit(void)
{
	misc_deregister(&ashmem_misc);
	ashmem_shrinker_exit();
	ashmem_purge_exit();
	ashmem_region_exit();
	ashmem_range_exit();
}

module_init(ashmem_init);
module_exit(ashmem_exit);

MODULE_DESCRIPTION("Android's anonymous shared memory, /dev/ashmem");
MODULE_AUTHOR("The ashmem for every Linux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(ASHMEM_VERSION);
/*
 * The original's name, which programs that need ashmem give to modprobe. A "devname:"
 * alias would be of no use: depmod keeps it for devices with a fixed number.
 */
MODULE_ALIAS("ashmem_linux");

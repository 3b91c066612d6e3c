// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open device: a region from open to close, read, seek and fdinfo.
 *
 * Data is read from the backing file; the position is that of the device's open
 * file. Neither read nor seek takes a lock of the region: once the backing file
 * exists, it lives as long as the region is open.
 */
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include "ashmem.h"
#include "trace.h"

static int ashmem_open(struct inode *inode, struct file *file)
{
	struct ashmem_region *region;

	region = ashmem_region_create();
	if (!region)
		return -ENOMEM;
	ashmem_purge_init_region(region);
	file->private_data = region;
	trace_ashmem_create(region);
	return 0;
}

/*
 * From here on all pages count as pinned: nobody can call PIN any more, but
 * maps may live on. So this waits for a purge under way, after which none
 * begins. It is one punch of a bounded number of pages, and only the processes
 * that map the region can make it slow.
 */
static void release_unpinned(struct ashmem_region *region)
{
	unsigned int last_purge;
	bool more;

	do {
		mutex_lock(&region->lock);
		more = ashmem_range_drop(region);
		last_purge = region->purges_begun;
		mutex_unlock(&region->lock);
		cond_resched();
	} while (more);
	wait_event(region->purge_wait, ashmem_purge_ended(region, last_purge));
}

static int ashmem_release(struct inode *inode, struct file *file)
{
	struct ashmem_region *region = file->private_data;

	trace_ashmem_release(region);
	/*
	 * Reclaim does not know a region that never had a range. While it knows
	 * one it changes the count, but leaves a range or a spare.
	 */
	if (data_race(region->range_count) || READ_ONCE(region->spare))
		release_unpinned(region);
	ashmem_region_close(region);
	return 0;
}

static ssize_t ashmem_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ashmem_region *region = iocb->ki_filp->private_data;
	struct file *backing = ashmem_region_backing(region);
	struct kiocb kiocb;
	ssize_t ret;

	if (!backing)
		return ashmem_region_get_size(region) ? -EBADF : 0;
	/*
	 * vfs_iter_read() would check the position and the right to read again,
	 * which were checked for @iocb's file.
	 */
	kiocb_clone(&kiocb, iocb, backing);
	ret = backing->f_op->read_iter(&kiocb, to);
	iocb->ki_pos = kiocb.ki_pos;
	return ret;
}

static loff_t ashmem_llseek_backing(struct file *file, struct file *backing,
				    loff_t offset, int whence)
{
	loff_t pos;

	/*
	 * The position is @file's. That of the backing file is not used: every
	 * reader would share it.
	 */
	if (whence == SEEK_CUR) {
		/* callers that share @file race for it, as for any device's */
		if (check_add_overflow(offset, data_race(file->f_pos), &offset))
			return -EINVAL;
		whence = SEEK_SET;
	}
	pos = vfs_llseek(backing, offset, whence);
	if (pos >= 0)
		data_race(file->f_pos = pos); /* the last one wins */
	return pos;
}

static loff_t ashmem_llseek(struct file *file, loff_t offset, int whence)
{
	struct ashmem_region *region = file->private_data;
	struct file *backing = ashmem_region_backing(region);

	if (!backing)
		return ashmem_region_get_size(region) ? -EBADF : -EINVAL;
	return ashmem_llseek_backing(file, backing, offset, whence);
}

#ifdef CONFIG_PROC_FS
static void ashmem_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ashmem_info info;

	ashmem_region_get_info(file->private_data, &info);
	if (info.inode)
		seq_printf(m, "inode:\t%llu\n", info.inode);
	if (info.name[0]) {
		seq_puts(m, "name:\t");
		/* a newline in a name must not pass for a line of ours */
		seq_escape(m, info.name, "\n\\");
		seq_putc(m, '\n');
	}
	seq_printf(m, "size:\t%zu\n", info.size);
	seq_printf(m, "prot_mask:\t%lu\n", info.prot_mask);
	seq_printf(m, "unpinned:\t%llu\n", info.unpinned);
	seq_printf(m, "purged:\t%llu\n", info.purged);
}
#endif

const struct file_operations ashmem_fops = {
	.owner = THIS_MODULE,
	.open = ashmem_open,
	.release = ashmem_release,
	.read_iter = ashmem_read_iter,
	.llseek = ashmem_llseek,
	.mmap = ashmem_mmap,
	.unlocked_ioctl = ashmem_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = ashmem_compat_ioctl,
#endif
#ifdef CONFIG_PROC_FS
	.show_fdinfo = ashmem_show_fdinfo,
#endif
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open device: a region from open to close, read, seek and fdinfo.
 *
 * Data is read from the backing file, positions belong to the descriptor's own
 * open file. Neither read nor seek holds a lock of the region over its call
 * into the backing file, for both may fault or sleep there.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include "ashmem.h"

static int ashmem_open(struct inode *inode, struct file *file)
{
	struct ashmem_region *region;
	int ret;

	ret = generic_file_open(inode, file);
	if (ret)
		return ret;
	region = ashmem_region_create();
	if (!region)
		return -ENOMEM;
	file->private_data = region;
	return 0;
}

static int ashmem_release(struct inode *inode, struct file *file)
{
	ashmem_region_close(file->private_data);
	return 0;
}

static ssize_t ashmem_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *backing;
	size_t size;
	ssize_t ret;

	backing = ashmem_region_get_backing(iocb->ki_filp->private_data, &size);
	if (!size)
		ret = 0;
	else if (!backing)
		ret = -EBADF;
	else
		ret = vfs_iter_read(backing, to, &iocb->ki_pos, 0);
	if (backing)
		fput(backing);
	return ret;
}

static loff_t ashmem_llseek_backing(struct file *file, struct file *backing,
				    loff_t offset, int whence)
{
	loff_t pos;

	/*
	 * The backing file's own position means nothing: it would be shared
	 * with every reader.
	 */
	if (whence == SEEK_CUR) {
		if (check_add_overflow(offset, file->f_pos, &offset))
			return -EINVAL;
		whence = SEEK_SET;
	}
	pos = vfs_llseek(backing, offset, whence);
	if (pos >= 0)
		file->f_pos = pos;
	return pos;
}

static loff_t ashmem_llseek(struct file *file, loff_t offset, int whence)
{
	struct file *backing;
	size_t size;
	loff_t ret;

	backing = ashmem_region_get_backing(file->private_data, &size);
	if (!size)
		ret = -EINVAL;
	else if (!backing)
		ret = -EBADF;
	else
		ret = ashmem_llseek_backing(file, backing, offset, whence);
	if (backing)
		fput(backing);
	return ret;
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

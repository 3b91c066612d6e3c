// SPDX-License-Identifier: GPL-2.0-only
/* Compiles on every kernel: if not, no other answer means anything. */
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/shrinker.h>

void probe(struct inode *inode);

void probe(struct inode *inode)
{
	shmem_truncate_range(inode, 0, -1);
}

// SPDX-License-Identifier: GPL-2.0-only
/* file_operations has .mmap_prepare, exclusive with .mmap: since 6.17 */
#include <linux/fs.h>

void probe(struct file_operations *fops);

void probe(struct file_operations *fops)
{
	fops->mmap_prepare = NULL;
}

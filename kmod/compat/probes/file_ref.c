// SPDX-License-Identifier: GPL-2.0-only
/*
 * 6.13: files are counted by a file_ref_t. By then __fput_sync() is for any task;
 * before 6.6 it was a bug to call it from other than kernel threads.
 */
#include <linux/file_ref.h>
#include <linux/fs.h>

bool probe(struct file *file);

bool probe(struct file *file)
{
	return file_ref_get(&file->f_ref);
}

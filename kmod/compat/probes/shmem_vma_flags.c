// SPDX-License-Identifier: GPL-2.0-only
/* shmem_file_setup() takes a vma_flags_t: seen in 7.2 */
#include <linux/mm.h>
#include <linux/shmem_fs.h>

struct file *probe(unsigned long flags);

struct file *probe(unsigned long flags)
{
	return shmem_file_setup("probe", 0, legacy_to_vma_flags(flags));
}

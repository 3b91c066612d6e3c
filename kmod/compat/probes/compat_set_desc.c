// SPDX-License-Identifier: GPL-2.0-only
/* what an .mmap needs to call another file's .mmap_prepare: seen in 7.2 */
#include <linux/fs.h>
#include <linux/mm.h>

int probe(const struct file_operations *fops, struct file *file,
	  struct vm_area_struct *vma);

int probe(const struct file_operations *fops, struct file *file,
	  struct vm_area_struct *vma)
{
	struct vm_area_desc desc;

	compat_set_desc_from_vma(&desc, file, vma);
	return fops->mmap_prepare(&desc) ?: __compat_vma_mmap(&desc, vma);
}

// SPDX-License-Identifier: GPL-2.0-only
/* vm_flags_clear(), with vma->vm_flags read-only: since 6.3 */
#include <linux/mm.h>

void probe(struct vm_area_struct *vma);

void probe(struct vm_area_struct *vma)
{
	vm_flags_clear(vma, VM_MAYWRITE);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Compiles on no kernel: if it does, a missing function goes unnoticed. */
#include <linux/mm.h>

void probe(void);

void probe(void)
{
	ashmem_no_such_function();
}

// SPDX-License-Identifier: GPL-2.0-only
/* mm_account_reclaimed_pages(): since 6.4 */
#include <linux/sched.h>
#include <linux/swap.h>

void probe(unsigned long pages);

void probe(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}

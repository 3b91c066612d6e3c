// SPDX-License-Identifier: GPL-2.0-only
/* this kernel lacks CONFIG_MMU: there is no shared memory to map */
#ifndef CONFIG_MMU
#error
#endif

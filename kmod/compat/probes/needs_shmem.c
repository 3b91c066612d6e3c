// SPDX-License-Identifier: GPL-2.0-only
/* this kernel lacks CONFIG_SHMEM: ashmem keeps its pages in tmpfs */
#include <linux/shmem_fs.h>
#ifndef CONFIG_SHMEM
#error
#endif

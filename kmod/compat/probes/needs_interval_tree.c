// SPDX-License-Identifier: GPL-2.0-only
/* this kernel lacks CONFIG_INTERVAL_TREE, which unpinned ranges are kept in */
#include <linux/interval_tree.h>
#ifndef CONFIG_INTERVAL_TREE
#error
#endif

// SPDX-License-Identifier: GPL-2.0-only
/* this kernel is too old: it has no <linux/minmax.h>, which came with 5.10 */
#include <linux/minmax.h>

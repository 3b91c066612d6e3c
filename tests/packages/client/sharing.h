/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHARING_H
#define SHARING_H

#include "libcutils.h"

/* Creates, validates, passes, maps and pins a region. Exits with 1 at what does not hold. */
void share(const struct libcutils *lib);

/* A region of some MiB is filled and unpinned. Then the program touches other memory, or
 * waits for a file, and pins. Exits with 0 if "kept" or "purged" is what happened. */
void keep(const struct libcutils *lib, unsigned mib, unsigned pressure, const char *file,
          const char *expected);

/* Says what did not hold, and errno, and exits with 1. */
void need(int holds, const char *what);

#endif

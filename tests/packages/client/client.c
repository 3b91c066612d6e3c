// SPDX-License-Identifier: Apache-2.0
/*
 * A program that speaks to the driver as libcutils does. Linked statically, so that a
 * container needs nothing else.
 *
 * client VERSION                                9, 11, 16 or newest: shares a region
 * client VERSION MIB kept FILE                  unpins MiB of a region until FILE exists
 * client VERSION MIB purged PRESSURE            unpins, then touches other memory
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sharing.h"

static const struct {
    const char* version;
    const struct libcutils* lib;
} versions[] = {{"9", &android9}, {"11", &android11}, {"16", &android16}, {"newest", &newest}};

void need(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "client: not so: %s (last error: %m)\n", what);
    exit(1);
}

static const struct libcutils* chosen(const char* version) {
    for (size_t at = 0; at < sizeof versions / sizeof *versions; at++)
        if (!strcmp(version, versions[at].version)) return versions[at].lib;
    return 0;
}

int main(int argc, char** argv) {
    const struct libcutils* lib = argc > 1 ? chosen(argv[1]) : 0;
    if (!lib || (argc != 2 && argc != 5)) {
        fputs("usage: client 9|11|16|newest [MIB kept FILE | MIB purged PRESSURE]\n", stderr);
        return 2;
    }
    setvbuf(stdout, 0, _IOLBF, 0);
    if (argc == 2)
        share(lib);
    else if (!strcmp(argv[3], "kept"))
        keep(lib, atoi(argv[2]), 0, argv[4], "kept");
    else
        keep(lib, atoi(argv[2]), atoi(argv[4]), 0, "purged");
    printf("%s: all is well\n", lib->name);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A program that speaks to the driver as libcutils does. Linked statically, so that a
 * container needs nothing else.
 *
 * client 9|11|16|newest|all          shares a region
 * client VERSION MIB kept FILE       unpins MIB of a region until FILE exists
 * client VERSION MIB purged MORE     unpins MIB, then touches MORE MiB of other memory
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sharing.h"

static const struct {
    const char *version;
    const struct libcutils *lib;
} versions[] = {{"9", &android9}, {"11", &android11}, {"16", &android16}, {"newest", &newest}};

void need(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "client: not so: %s (last error: %m)\n", what);
    exit(1);
}

static const struct libcutils *chosen(const char *version) {
    for (size_t at = 0; at < sizeof versions / sizeof *versions; at++)
        if (!strcmp(version, versions[at].version)) return versions[at].lib;
    return 0;
}

static void say(const struct libcutils *lib) {
    printf("%s: all is well\n", lib->name);
}

/* Each in a process of its own, so that none knows what another has found out. */
static int share_all(void) {
    int failed = 0, status;
    for (size_t at = 0; at < sizeof versions / sizeof *versions; at++) {
        pid_t child = fork();
        if (!child) {
            share(versions[at].lib);
            say(versions[at].lib);
            exit(0);
        }
        need(waitpid(child, &status, 0) == child, "there are processes");
        failed |= status;
        if (status) fprintf(stderr, "client: %s failed\n", versions[at].lib->name);
    }
    return failed != 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, 0, _IOLBF, 0);
    if (argc == 2 && !strcmp(argv[1], "all")) return share_all();
    const struct libcutils *lib = argc > 1 ? chosen(argv[1]) : 0;
    if (lib && argc == 2)
        share(lib);
    else if (lib && argc == 5 && !strcmp(argv[3], "kept"))
        keep(lib, atoi(argv[2]), 0, argv[4], "kept");
    else if (lib && argc == 5 && !strcmp(argv[3], "purged"))
        keep(lib, atoi(argv[2]), atoi(argv[4]), 0, "purged");
    else {
        fputs(
            "usage: client 9|11|16|newest|all, or VERSION MIB kept FILE, or VERSION MIB purged "
            "MORE\n",
            stderr);
        return 2;
    }
    say(lib);
    return 0;
}

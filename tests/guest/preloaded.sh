#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest without the driver: runs the test program with the preload library.
LD_PRELOAD=/lib/libashmem-preload.so exec ashmem-tests.dynamic "$@"

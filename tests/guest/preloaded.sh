#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest without the driver: the test program, with the library that stands in.
LD_PRELOAD=/lib/libashmem-preload.so exec ashmem-tests.dynamic "$@"

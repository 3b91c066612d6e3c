# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# What is said here and nowhere else: the kernel where none is named, and the cache's
# place. Programs in other languages ask qemu/query.

readonly DEFAULT_KERNEL=6.1
CACHE_DIR=${ASHMEM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ashmem}
CACHE_DIR=$(realpath -m -- "$CACHE_DIR")
readonly CACHE_DIR

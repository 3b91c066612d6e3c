// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The mark of what libashmemxx exports; everything without it stays inside.
 */
#pragma once

#define ASHMEM_API [[gnu::visibility("default")]]

/** For private parts of exported classes. */
#define ASHMEM_LOCAL [[gnu::visibility("hidden")]]

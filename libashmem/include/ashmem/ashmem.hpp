// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * All of the C++ library.
 */
#pragma once

// IWYU pragma: begin_exports
#include <ashmem/channel.hpp>
#include <ashmem/fd_passing.hpp>
#include <ashmem/heap.hpp>
#include <ashmem/mapping.hpp>
#include <ashmem/memory_file.hpp>
#include <ashmem/memory_file_stream.hpp>
#include <ashmem/pin_guard.hpp>
#include <ashmem/pin_result.hpp>
#include <ashmem/prot.hpp>
#include <ashmem/purgeable_buffer.hpp>
#include <ashmem/purgeable_cache.hpp>
#include <ashmem/region.hpp>
#include <ashmem/region_resource.hpp>
#include <ashmem/shared_memory.hpp>
#include <ashmem/shared_mutex.hpp>
#include <ashmem/snapshot.hpp>
#include <ashmem/unique_fd.hpp>
// IWYU pragma: end_exports

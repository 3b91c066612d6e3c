// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * All of the C++ library.
 */
#pragma once

// IWYU pragma: begin_exports
#include <ashmem/mapping.hpp>
#include <ashmem/passing.hpp>
#include <ashmem/pin_result.hpp>
#include <ashmem/prot.hpp>
#include <ashmem/region.hpp>
#include <ashmem/unique_fd.hpp>
// IWYU pragma: end_exports

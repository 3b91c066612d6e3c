// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A small client and server of the kernel's Binder, enough for services by name,
 * descriptors, deaths, and for heaps to cross between processes.
 *
 * As in <ashmem/ashmem.hpp>, every operation that can fail comes twice: one form throws a
 * std::system_error, the other sets its last argument, a std::error_code. Both may throw
 * std::bad_alloc. Destructors neither throw nor allocate.
 *
 * The calls of the kernel and libbinder's forms are those of Android 11 to 14, and
 * were tested with both ends of this library. Not among what <ashmem/ashmem.hpp>
 * includes.
 */
#pragma once

#include <ashmem/binder/memory.hpp>
#include <ashmem/binder/message.hpp>
#include <ashmem/binder/object.hpp>
#include <ashmem/binder/parcel.hpp>
#include <ashmem/binder/process.hpp>
#include <ashmem/binder/remote.hpp>
#include <ashmem/binder/service_manager.hpp>

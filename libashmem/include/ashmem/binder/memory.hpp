// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Heaps and windows across processes, in libbinder's own form: HEAP_ID and GET_MEMORY.
 */
#pragma once

#include <binder/IMemory.h>

#include <ashmem/api.hpp>
#include <ashmem/binder/process.hpp>
#include <memory>
#include <system_error>

namespace ashmem::binder {

/**
 * @{ What others may call for a heap, or for a window and its heap; it keeps them alive.
 *
 * There is one object for a heap as long as anybody holds it, so that a receiver of
 * several windows maps their heap once.
 */
[[nodiscard]] ASHMEM_API std::shared_ptr<Object> publish(const android::sp<android::IMemoryHeap>&);
[[nodiscard]] ASHMEM_API std::shared_ptr<Object> publish(const android::sp<android::IMemory>&);
/** @} */

/**
 * @{ A heap of another process, mapped here, once for as long as anyone holds it.
 *
 * A heap that comes back to where it was published is the one that it was.
 *
 * Errors: EINVAL for null; EBADMSG for an answer of another form, or a size or
 * offset that its descriptor does not have; ENOTTY if that is neither a region nor a
 * memfd which cannot shrink; those of Remote::call() and mmap().
 */
[[nodiscard]] ASHMEM_API android::sp<android::IMemoryHeap> heap_of(const Reference&);
[[nodiscard]] ASHMEM_API android::sp<android::IMemoryHeap> heap_of(const Reference&,
                                                                   std::error_code& ec);
/** @} */

/**
 * @{ A window of another process, with its heap.
 *
 * Errors: as above; EBADMSG also for a window that does not lie within its heap.
 */
[[nodiscard]] ASHMEM_API android::sp<android::IMemory> memory_of(const Reference&);
[[nodiscard]] ASHMEM_API android::sp<android::IMemory> memory_of(const Reference&,
                                                                 std::error_code& ec);
/** @} */

} // namespace ashmem::binder

// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * libbinder's memory classes, by names of this library. They are the same classes
 * that <binder/MemoryHeapBase.h> and its kin declare for Android's sources.
 */
#pragma once

#include <binder/IMemory.h>
#include <binder/MemoryBase.h>
#include <binder/MemoryDealer.h>
#include <binder/MemoryHeapBase.h>

namespace ashmem {

using android::IMemory;
using android::IMemoryHeap;
using android::MemoryBase;
using android::MemoryDealer;
using android::MemoryHeapBase;
using android::sp;

} // namespace ashmem

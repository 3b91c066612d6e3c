// SPDX-License-Identifier: Apache-2.0
// The driver as a module, in a guest where it is not loaded.
#pragma once

namespace test {

constexpr const char* module_file = "/ashmem.ko";

// 0, or -errno, as finit_module(2) and delete_module(2) answer.
long load(const char* file, const char* parameters = "");
long unload(const char* name = "ashmem");

// Unloads even when it has to wait a moment: the end of a tmpfs file whose
// last reference went in an exiting process is deferred to a worker.
long unload_soon();

} // namespace test

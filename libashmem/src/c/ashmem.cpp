// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The C functions, each one step from the backend. Behaviour is documented at
 * their declarations.
 */
#include <android/sharedmem.h>
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "../backend/backend.hpp"

#define ASHMEM_EXPORT extern "C" __attribute__((visibility("default")))

namespace backend = ashmem::backend;

ASHMEM_EXPORT int ashmem_valid(int fd) {
    return backend::of(fd) != backend::Backend::none ? 1 : 0;
}

ASHMEM_EXPORT int ashmem_create_region(const char* name, size_t size) {
    return backend::create(name, size);
}

ASHMEM_EXPORT int ashmem_set_prot_region(int fd, int prot) {
    return backend::call<&backend::Ops::set_protection>(fd, prot);
}

ASHMEM_EXPORT int ashmem_pin_region(int fd, size_t offset, size_t len) {
    return backend::call<&backend::Ops::pin>(fd, backend::Range{offset, len});
}

ASHMEM_EXPORT int ashmem_unpin_region(int fd, size_t offset, size_t len) {
    return backend::call<&backend::Ops::unpin>(fd, backend::Range{offset, len});
}

ASHMEM_EXPORT int ashmem_get_size_region(int fd) {
    const int64_t size = backend::call<&backend::Ops::size>(fd);
    if (size > INT_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    return static_cast<int>(size);
}

ASHMEM_EXPORT int64_t ashmem_get_size_region64(int fd) {
    return backend::call<&backend::Ops::size>(fd);
}

ASHMEM_EXPORT int ashmem_get_prot_region(int fd) {
    return backend::call<&backend::Ops::protection>(fd);
}

ASHMEM_EXPORT int ashmem_get_pin_status_region(int fd, size_t offset, size_t len) {
    return backend::call<&backend::Ops::pin_status>(fd, backend::Range{offset, len});
}

ASHMEM_EXPORT int ashmem_purge_all_caches(int fd) {
    return backend::call<&backend::Ops::purge_all>(fd);
}

ASHMEM_EXPORT int ashmem_get_name_region(int fd, char* name, size_t size) {
    return backend::call<&backend::Ops::name>(fd, name, size);
}

ASHMEM_EXPORT int ashmem_device_is_supported(void) {
    return backend::device_is_supported() ? 1 : 0;
}

ASHMEM_EXPORT int ashmem_backend(int fd) {
    return static_cast<int>(backend::of(fd));
}

ASHMEM_EXPORT int ASharedMemory_create(const char* name, size_t size) {
    return size != 0 ? backend::create(name, size) : -EINVAL;
}

ASHMEM_EXPORT size_t ASharedMemory_getSize(int fd) {
    const int64_t size = backend::call<&backend::Ops::size>(fd);
    return size > 0 && std::in_range<size_t>(size) ? static_cast<size_t>(size) : 0;
}

ASHMEM_EXPORT int ASharedMemory_setProt(int fd, int prot) {
    return backend::call<&backend::Ops::set_protection>(fd, prot);
}

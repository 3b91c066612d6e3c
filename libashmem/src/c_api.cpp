// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The C functions, each one step from the device. Behaviour is documented at
 * their declarations.
 */
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>

#include <cerrno>
#include <climits>

#include "device.hpp"

#define ASHMEM_EXPORT extern "C" __attribute__((visibility("default")))

namespace device = ashmem::device;

ASHMEM_EXPORT int ashmem_valid(int fd) {
    return device::is_region(fd) ? 1 : 0;
}

ASHMEM_EXPORT int ashmem_create_region(const char* name, size_t size) {
    return device::create(name, size);
}

ASHMEM_EXPORT int ashmem_set_prot_region(int fd, int prot) {
    return device::set_protection(fd, prot);
}

ASHMEM_EXPORT int ashmem_pin_region(int fd, size_t offset, size_t len) {
    return device::pin(fd, offset, len);
}

ASHMEM_EXPORT int ashmem_unpin_region(int fd, size_t offset, size_t len) {
    return device::unpin(fd, offset, len);
}

ASHMEM_EXPORT int ashmem_get_size_region(int fd) {
    const int64_t size = device::size(fd);
    if (size > INT_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    return static_cast<int>(size);
}

ASHMEM_EXPORT int64_t ashmem_get_size_region64(int fd) {
    return device::size(fd);
}

ASHMEM_EXPORT int ashmem_get_prot_region(int fd) {
    return device::protection(fd);
}

ASHMEM_EXPORT int ashmem_get_pin_status_region(int fd, size_t offset, size_t len) {
    return device::pin_status(fd, offset, len);
}

ASHMEM_EXPORT int ashmem_purge_all_caches(int fd) {
    return device::purge_all(fd);
}

ASHMEM_EXPORT int ashmem_get_name_region(int fd, char* name, size_t size) {
    return device::name(fd, name, size);
}

ASHMEM_EXPORT int ashmem_device_is_supported(void) {
    return device::is_supported() ? 1 : 0;
}

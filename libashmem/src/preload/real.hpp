// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The system behind the functions that this library stands before.
 */
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace ashmem::preload {

inline int failed(int error) noexcept {
    errno = error;
    return -1;
}

} // namespace ashmem::preload

namespace ashmem::preload::real {

/** The next function of a name: libc's, or that of another library before it. */
template <class Function>
Function* next(const char* name, Function*& found) noexcept {
    Function* there = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (there == nullptr) {
        there = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
        __atomic_store_n(&found, there, __ATOMIC_RELAXED);
    }
    return there;
}

/** @{ What this library itself asks for: system calls, past everybody. */
inline int truncate(int fd, off_t size) noexcept {
    return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
/** All of it 0 for what is not there. */
inline struct stat status(int folder, const char* path) noexcept {
    struct stat status {};
    (void)::syscall(SYS_newfstatat, folder, path, &status, AT_EMPTY_PATH);
    return status;
}
inline struct stat status(int fd) noexcept {
    return status(fd, "");
}
inline void* map(void* at, std::size_t length, int prot, int flags, int fd, off_t offset) noexcept {
    return reinterpret_cast<void*>(::syscall(SYS_mmap, at, length, prot, flags, fd, offset));
}
inline off_t seek(int fd, off_t offset, int whence) noexcept {
    return static_cast<off_t>(::syscall(SYS_lseek, fd, offset, whence));
}
inline long access_mode(int fd) noexcept {
    return ::syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE;
}
inline bool may_read(int fd) noexcept {
    const long mode = access_mode(fd);
    return mode == O_RDONLY || mode == O_RDWR;
}
inline bool may_write(int fd) noexcept {
    const long mode = access_mode(fd);
    return mode == O_WRONLY || mode == O_RDWR;
}
/** @} */

} // namespace ashmem::preload::real

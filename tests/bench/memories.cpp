// SPDX-License-Identifier: Apache-2.0
// Makes, maps and ends shared memory of each kind with the calls that a program would use.
#include "memories.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "conditions.hpp"
#include "costs/measure.hpp"

namespace bench {
namespace {

using costs::must;

// names are as long as each other; shm_open's is gone with the memory
constexpr char name[] = "/bench";
constexpr const char* plain_name = name + 1;
constexpr int rw = PROT_READ | PROT_WRITE;

int sized(int fd, std::size_t size) {
    must(ftruncate(fd, static_cast<off_t>(size)), "ftruncate");
    return fd;
}

int make_region(std::size_t size) {
    const auto fd = static_cast<int>(must(open("/dev/ashmem", O_RDWR | O_CLOEXEC), "/dev/ashmem"));
    must(ioctl(fd, ASHMEM_SET_NAME, plain_name), "SET_NAME");
    must(ioctl(fd, ASHMEM_SET_SIZE, size), "SET_SIZE");
    return fd;
}

int make_named(std::size_t size) {
    const auto fd = static_cast<int>(must(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), name));
    must(shm_unlink(name), "shm_unlink");
    return sized(fd, size);
}

int make(Kind kind, std::size_t size) {
    switch (kind) {
        case Kind::ashmem:
            return make_region(size);
        case Kind::memfd:
            return sized(
                static_cast<int>(must(memfd_create(plain_name, MFD_CLOEXEC), "memfd_create")),
                size);
        case Kind::shm_open:
            return make_named(size);
        case Kind::shmget:
            return static_cast<int>(must(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600), "shmget"));
    }
    return -1;
}

} // namespace

const char* subject(Kind kind) {
    constexpr const char* names[] = {"ashmem", "memfd", "shm_open", "shmget"};
    return names[static_cast<int>(kind)];
}

std::vector<Kind> file_kinds() {
    std::vector<Kind> all = {Kind::memfd, Kind::shm_open};
    if (conditions.device) all.insert(all.begin(), Kind::ashmem);
    return all;
}

std::vector<Kind> kinds() {
    std::vector<Kind> all = file_kinds();
    all.push_back(Kind::shmget);
    return all;
}

SharedMemory::SharedMemory(Kind kind, std::size_t size)
    : kind_(kind), id_(make(kind, size)), size_(size) {}

SharedMemory::~SharedMemory() {
    if (kind_ == Kind::shmget)
        shmctl(id_, IPC_RMID, nullptr);
    else
        close(id_);
}

void* SharedMemory::map(void* at) const {
    void* address = kind_ == Kind::shmget
                        ? shmat(id_, at, at ? SHM_REMAP : 0)
                        : mmap(at, size_, rw, at ? MAP_SHARED | MAP_FIXED : MAP_SHARED, id_, 0);
    if (address == MAP_FAILED) must(-1, "mmap or shmat");
    return address;
}

void SharedMemory::unmap(void* address) const {
    if (kind_ == Kind::shmget)
        must(shmdt(address), "shmdt");
    else
        must(munmap(address, size_), "munmap");
}

} // namespace bench

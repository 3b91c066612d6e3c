// SPDX-License-Identifier: Apache-2.0
// A region's life, maps, size and pins, by the driver or a memfd, whichever the library takes.
#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>

#include "rows.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace costs::library {
namespace {

constexpr std::size_t size = std::size_t{64} << 10;
constexpr char name[] = "costs";

// What a program would do without the library.
struct Driver {
    static int create() {
        const int fd = static_cast<int>(must(open("/dev/ashmem", O_RDWR | O_CLOEXEC), "open"));
        must(ioctl(fd, ASHMEM_SET_NAME, name), "ASHMEM_SET_NAME");
        must(ioctl(fd, ASHMEM_SET_SIZE, size), "ASHMEM_SET_SIZE");
        return fd;
    }
    static void ask_size(int fd) { must(ioctl(fd, ASHMEM_GET_SIZE), "ASHMEM_GET_SIZE"); }
    static void pin(int fd) { pin_call(fd, ASHMEM_PIN); }
    static void unpin(int fd) { pin_call(fd, ASHMEM_UNPIN); }

private:
    static void pin_call(int fd, unsigned long request) {
        const ashmem_pin all{0, 0};
        must(ioctl(fd, request, &all), "pin or unpin");
    }
};

// A memfd has no pins: who asks whether a range fits asks for the size.
struct Memfd {
    static int create() {
        constexpr unsigned plain = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        static const unsigned flags = knows_exec() ? plain | MFD_EXEC : plain;
        const int fd = static_cast<int>(must(memfd_create(name, flags), "memfd_create"));
        must(ftruncate(fd, static_cast<off_t>(size)), "ftruncate");
        must(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), "F_ADD_SEALS");
        return fd;
    }
    static void ask_size(int fd) {
        struct stat status {};
        must(fstat(fd, &status), "fstat");
    }
    static void pin(int fd) { ask_size(fd); }
    static void unpin(int fd) { ask_size(fd); }

private:
    static bool knows_exec() {
        const int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
        return fd >= 0 && close(fd) == 0;
    }
};

template <typename Raw>
void ask() {
    using ashmem::Prot;
    const auto raw_life = [] { close(Raw::create()); };
    row(
        "ashmem_create_region, close", 1.05, [] { close(ashmem_create_region(name, size)); },
        raw_life);
    row(
        "Region created, destroyed", 1.05, [] { (void)ashmem::Region::create(name, size); },
        raw_life);

    auto region = ashmem::Region::create(name, size);
    const auto mapping = region.map(Prot::read_write);
    const int fd = region.fd();
    row(
        "Region::map, Mapping's end", 1.2, [&] { (void)region.map(Prot::read_write); },
        [fd] {
            void* const map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            must(munmap(map, size), "munmap");
        });
    const auto ask_size = [fd] { Raw::ask_size(fd); };
    row(
        "Region::size", 1.3, [&] { (void)region.size(); }, ask_size);
    row(
        "ashmem_get_size_region", 1.3, [fd] { must(ashmem_get_size_region(fd), "size"); },
        ask_size);
    const auto pin = [fd] { Raw::pin(fd); };
    row(
        "Region::pin", 1.3, [&] { (void)region.pin(); }, pin);
    row(
        "ashmem_pin_region", 1.3, [fd] { must(ashmem_pin_region(fd, 0, 0), "pin"); }, pin);
    row(
        "PinGuard made, destroyed", 1.2, [&] { const ashmem::PinGuard guard(region); },
        [fd] {
            Raw::pin(fd);
            Raw::unpin(fd);
        });
}

} // namespace

void ask_regions() {
    const auto region = ashmem::Region::create(name, size);
    if (ashmem_backend(region.fd()) == ASHMEM_BACKEND_DEVICE)
        ask<Driver>();
    else
        ask<Memfd>();
}

} // namespace costs::library

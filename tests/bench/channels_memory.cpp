// SPDX-License-Identifier: Apache-2.0
// Memory that two processes share, of four kinds, with the same ring in each.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "channels.hpp"
#include "costs/memory.hpp"
#include "counter.hpp"

namespace bench::channels {
namespace {

using costs::must;

constexpr std::size_t slot_size = std::size_t{64} << 10;
constexpr std::uint32_t slots = capacity / slot_size;

// What lies in the memory. A slot holds a message, or a part of one.
struct Ring {
    Counter written, read;
    alignas(64) std::byte bytes[slots][slot_size];
};

void* map(int fd) {
    void* const memory = mmap(nullptr, sizeof(Ring), test::rw, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return memory;
}

// Descriptors and names are no longer needed once the memory is mapped.
void* map_ashmem() {
    const test::Region region;
    must(region.set_size(sizeof(Ring)), "ASHMEM_SET_SIZE");
    return map(region.fd());
}

void* map_memfd() {
    return map(costs::Memfd(sizeof(Ring)).fd());
}

void* map_posix() {
    constexpr char name[] = "/ashmem-bench";
    // a guest of the harness has no tmpfs there
    if (mkdir("/dev/shm", 01777) == 0) must(mount("shm", "/dev/shm", "tmpfs", 0, nullptr), "mount");
    const int fd = static_cast<int>(must(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), name));
    must(shm_unlink(name), name);
    must(ftruncate(fd, sizeof(Ring)), "ftruncate");
    void* const memory = map(fd);
    close(fd);
    return memory;
}

void* map_system_v() {
    const int id = static_cast<int>(must(shmget(IPC_PRIVATE, sizeof(Ring), 0600), "shmget"));
    void* const memory = shmat(id, nullptr, 0);
    must(shmctl(id, IPC_RMID, nullptr), "shmctl");
    if (memory == reinterpret_cast<void*>(-1))
        throw std::system_error(errno, std::generic_category(), "shmat");
    return memory;
}

class RingWay final : public Way {
public:
    explicit RingWay(void* memory) : ring_(new (memory) Ring) {}
    ~RingWay() override { munmap(ring_, sizeof(Ring)); }

    void send(std::span<const std::byte> bytes) override {
        write_slots(bytes.size(), [&](std::span<std::byte> slot, std::size_t at) {
            std::memcpy(slot.data(), bytes.data() + at, slot.size());
        });
    }
    void receive(std::span<std::byte> bytes) override {
        read_slots(bytes.size(), [&](std::span<const std::byte> slot, std::size_t at) {
            std::memcpy(bytes.data() + at, slot.data(), slot.size());
        });
    }
    void make(std::span<std::byte> own, Word first) override {
        write_slots(own.size(), [&](std::span<std::byte> slot, std::size_t at) {
            write_numbers(slot, first + at / sizeof(Word));
        });
    }
    Word add_up(std::span<std::byte> own) override {
        Word sum = 0;
        read_slots(own.size(),
                   [&](std::span<const std::byte> slot, std::size_t) { sum += sum_of(slot); });
        return sum;
    }

private:
    std::span<std::byte> slot(std::uint32_t number, std::size_t left) {
        return {ring_->bytes[number % slots], std::min(left, slot_size)};
    }

    // calls work with each slot and where in the message it begins
    template <typename Work>
    void write_slots(std::size_t size, const Work& work) {
        for (std::size_t at = 0; at < size; at += slot_size) {
            const std::uint32_t number = ring_->written.value();
            ring_->read.wait_for(number + 1 - slots);
            work(slot(number, size - at), at);
            ring_->written.add();
        }
    }
    template <typename Work>
    void read_slots(std::size_t size, const Work& work) {
        for (std::size_t at = 0; at < size; at += slot_size) {
            const std::uint32_t number = ring_->read.value();
            ring_->written.wait_for(number + 1);
            work(slot(number, size - at), at);
            ring_->read.add();
        }
    }

    Ring* ring_;
};

template <void* (*map_memory)()>
std::unique_ptr<Way> ring_in() {
    return std::make_unique<RingWay>(map_memory());
}

} // namespace

std::vector<Named> shared_memories() {
    return {{"ashmem", ring_in<map_ashmem>},
            {"memfd", ring_in<map_memfd>},
            {"shm_open", ring_in<map_posix>},
            {"shmget", ring_in<map_system_v>}};
}

} // namespace bench::channels

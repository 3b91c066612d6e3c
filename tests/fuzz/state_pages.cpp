// SPDX-License-Identifier: Apache-2.0
// A preloaded program's region whose state another process writes at will, between any two
// calls: each call comes back with an answer that it may have, and writes nothing but that.
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "../../libashmem/src/preload/lock.hpp"
#include "../../libashmem/src/preload/purge.hpp"
#include "../../libashmem/src/preload/region.hpp"
#include "../../libashmem/src/preload/state.hpp"
#include "input.hpp"

namespace {

namespace region = ashmem::preload::region;
using ashmem::preload::Head;
using ashmem::preload::Range;
using ashmem::preload::state_at;

constexpr std::size_t page = 4096, max_at_once = 8;

/** Head and ranges as the input has them, of which some fields are often plausible. */
void write_state(int fd, fuzz::Input& input) {
    struct {
        Head head;
        std::array<Range, max_at_once> ranges;
    } state{};
    state.head = input.number<Head>();
    const auto kind = input.number<std::uint8_t>();
    if ((kind & 1) != 0) state.head.count %= max_at_once + 1;
    if ((kind & 2) != 0) state.head.size %= page * 64;
    if ((kind & 4) != 0) state.head.mapped = 1;
    for (Range& range : state.ranges) {
        range = input.number<Range>();
        if ((kind & 8) != 0) range.first %= 64, range.last %= 64;
    }
    if (syscall(SYS_pwrite64, fd, &state, sizeof(state), state_at) != sizeof(state)) abort();
}

/** A pin command; the answers are those of the driver. */
void pin(int fd, unsigned command, fuzz::Input& input) {
    ashmem_pin span{};
    span.offset = input.number<std::uint8_t>() * std::uint32_t{page};
    span.len = input.number<std::uint8_t>() * std::uint32_t{page};
    const int ret = region::ioctl(fd, command, reinterpret_cast<unsigned long>(&span));
    if (ret < -1 || ret > 1) abort();
    if (ret == -1 && errno != EINVAL && errno != ENOMEM && errno != EIO) abort();
}

void get_name(int fd) {
    struct {
        std::array<char, ASHMEM_NAME_LEN> name;
        std::array<char, 64> beyond;
    } answer{};
    const int ret = region::ioctl(fd, ASHMEM_GET_NAME, reinterpret_cast<unsigned long>(&answer));
    if (ret == 0 && std::ranges::find(answer.name, '\0') == answer.name.end()) abort();
    for (const char one : answer.beyond)
        if (one != 0) abort();
}

void read_some(int fd, std::int64_t at) {
    std::array<std::byte, 64> bytes;
    const iovec part{bytes.data(), bytes.size()};
    if (region::read(fd, &part, 1, &at) > ssize_t{bytes.size()}) abort();
    if (region::read(fd, &part, 1, nullptr) > ssize_t{bytes.size()}) abort();
}

void map(int fd, fuzz::Input& input) {
    const std::size_t length = (input.number<std::uint8_t>() + std::size_t{1}) * page;
    const int flags = (input.number<std::uint8_t>() & 1) != 0 ? MAP_SHARED : MAP_PRIVATE;
    void* const at = region::map(nullptr, length, PROT_READ, flags, fd, 0);
    if (at != MAP_FAILED) munmap(at, length);
}

void purge(int fd, std::uint64_t max_pages) {
    ashmem::preload::Locked state(fd);
    if (!state) return;
    ashmem::preload::purge(state, max_pages);
    if (state->count > ashmem::preload::max_ranges) abort();
}

void call(int fd, fuzz::Input& input) {
    const auto argument = input.number<std::uint64_t>();
    switch (input.number<std::uint8_t>() % 11) {
        case 0:
            return pin(fd, ASHMEM_PIN, input);
        case 1:
            return pin(fd, ASHMEM_UNPIN, input);
        case 2:
            return pin(fd, ASHMEM_GET_PIN_STATUS, input);
        case 3:
            return get_name(fd);
        case 4:
            return (void)region::ioctl(fd, ASHMEM_GET_SIZE, 0);
        case 5:
            return (void)region::ioctl(fd, ASHMEM_SET_SIZE, argument);
        case 6:
            return (void)region::ioctl(fd, ASHMEM_SET_PROT_MASK, argument);
        case 7:
            return read_some(fd, static_cast<std::int64_t>(argument));
        case 8:
            return (void)region::seek(fd, static_cast<std::int64_t>(argument),
                                      static_cast<int>(input.number<std::uint8_t>() % 6));
        case 9:
            return map(fd, input);
        default:
            return purge(fd, argument);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const int fd = ashmem::preload::create(O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    while (input.left() != 0) {
        if ((input.number<std::uint8_t>() & 1) != 0) write_state(fd, input);
        call(fd, input);
    }
    close(fd);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// An actor's steps that are about maps, pins and the machine's memory.
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kfuzz/actor.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

namespace kfuzz {

void Actor::pin_call(Call call, const Slot& slot, const Values& values) {
    const auto command = call == Call::pin     ? ASHMEM_PIN
                         : call == Call::unpin ? ASHMEM_UNPIN
                                               : ASHMEM_GET_PIN_STATUS;
    const auto offset = static_cast<std::uint32_t>(values[0]);
    const auto length = static_cast<std::uint32_t>(values[1]);
    ashmem_pin range{offset, length};
    const bool bad = values[2] == 1;
    if (call == Call::unpin && !bad) slot.region->may_unpin(offset, length);
    const long ret = test::outcome(ioctl(slot.fd, command, bad ? bad_pointer() : &range));
    if (bad) {
        expect(slot, call, ret, {EFAULT});
        if (ret >= 0) complain(slot, std::string(name_of(call)) + " takes a bad pointer");
        return;
    }
    if (call == Call::unpin)
        expect(slot, call, ret, {EINVAL, ENOMEM});
    else
        expect(slot, call, ret, {EINVAL});
    after_pin(call, slot, offset, length, ret);
}

void Actor::after_pin(Call call, const Slot& slot, std::uint32_t offset, std::uint32_t length,
                      long ret) {
    if (ret < 0) return;
    if (ret > 1) complain(slot, std::string(name_of(call)) + " answers " + std::to_string(ret));
    if (ret >= 0 && (offset % test::page_size() != 0 || length % test::page_size() != 0) &&
        length != 0)
        complain(slot, std::string(name_of(call)) + " takes what is no whole pages");
    if (!slot.own) return;
    if (call == Call::status && ret == ASHMEM_IS_UNPINNED &&
        slot.region->all_pinned(offset, length))
        complain(slot, "pages are unpinned that nobody unpinned");
    if (call != Call::pin) return;
    slot.region->pinned(offset, length, ret == ASHMEM_WAS_PURGED);
    const auto first = offset / test::page_size();
    check_pages(slot, first, length != 0 ? first + length / test::page_size() : Region::most_pages);
}

void Actor::map(const Slot& slot, const Values& values) {
    const auto [a, length, c] = values;
    const auto b = static_cast<std::size_t>(length);
    Map& map = maps_[c % most_maps];
    if (map.data != nullptr) munmap(map.data, map.length);
    const int prot = static_cast<int>(a & 7);
    int flags = (a & 8) != 0 ? MAP_PRIVATE : MAP_SHARED;
    if ((a & 16) != 0) flags |= MAP_NORESERVE;
    if ((a & 32) != 0 && b <= 4U << 20) flags |= MAP_POPULATE;
    const auto first = (c >> 8) & 0xffff;
    map = {nullptr, b, first, (a & 8) == 0, slot.region, slot.region->mask()};
    void* data =
        mmap(nullptr, b, prot, flags, slot.fd, static_cast<off_t>(first * test::page_size()));
    if (data == MAP_FAILED)
        return expect(slot, Call::mmap, -errno, {EINVAL, EPERM, EACCES, ENOMEM, EOVERFLOW, EAGAIN});
    map.data = static_cast<unsigned char*>(data);
    if ((static_cast<unsigned>(prot) & ~map.mask) != 0)
        complain(slot, "mmap gives what the mask lacks");
}

void Actor::unmap_all() {
    for (Map& map : maps_) {
        if (map.data != nullptr) munmap(map.data, map.length);
        map = {};
    }
}

void Actor::protect(Map& map, int prot) {
    if (mprotect(map.data, map.length, prot) == 0 && (static_cast<unsigned>(prot) & ~map.mask) != 0)
        world_.complain("mprotect gives what the mask lacked");
}

void Actor::map_call(const Step& step) {
    const auto [a, b, c] = step.values;
    Map& map = maps_[a % most_maps];
    if (map.data == nullptr) return;
    switch (step.call) {
        case Call::munmap:
            munmap(map.data, map.length);
            map = {};
            return;
        case Call::mprotect:
            return protect(map, static_cast<int>(b & 7));
        case Call::madvise:
            // a large length would only take time
            madvise(map.data, std::min<std::size_t>(map.length, 2U << 20), static_cast<int>(b));
            return;
        default:
            return touch(map, b, c, step.call == Call::store);
    }
}

void Actor::touch(const Map& map, std::uint64_t first, std::uint64_t count, bool write) {
    const auto end = std::min<std::uint64_t>(first + std::min<std::uint64_t>(count, 64),
                                             map.length / test::page_size());
    for (auto page = first; page < end; ++page) {
        const auto of_region = map.first + page;
        unsigned char* at = map.data + page * test::page_size();
        const auto right = world_.bytes_of(map.region, of_region);
        if (write) {
            if (store(at, right) == 0 && map.shared) map.region->wrote(of_region);
            continue;
        }
        const bool must_hold = map.shared && map.region->must_hold(of_region);
        std::uint64_t bytes = 0;
        if (load(at, bytes) == 0 && bytes != right && must_hold && map.region->must_hold(of_region))
            world_.complain("page " + std::to_string(of_region) + " of region " +
                            std::to_string(world_.number_of(map.region)) +
                            " is lost, which was pinned");
    }
}

// These may fail: a limit below what is charged, a reclaim of more than there is.
void Actor::machine_call(const Step& step) {
    const auto value = step.values[0];
    const auto mebibytes = [&](std::uint64_t least) {
        return std::to_string(std::clamp<std::uint64_t>(value, least, 64) << 20);
    };
    switch (step.call) {
        case Call::limit:
            test::write_file(group_ + "/memory.max", mebibytes(value != 0 ? 4 : 64));
            return;
        case Call::high:
            test::write_file(group_ + "/memory.high", value != 0 ? mebibytes(4) : "max");
            return;
        case Call::reclaim:
            test::write_file(group_ + "/memory.reclaim", mebibytes(1));
            return;
        case Call::drop:
            // of slabs and ranges; silently
            test::write_file("/proc/sys/vm/drop_caches", "6");
            return;
        case Call::pause:
            usleep(static_cast<useconds_t>(value % 10000));
            return;
        default:
            break;
    }
    const std::size_t length = (value % 8192) * test::page_size();
    void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory != MAP_FAILED) munmap(memory, length);
}

} // namespace kfuzz

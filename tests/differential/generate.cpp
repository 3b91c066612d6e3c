// SPDX-License-Identifier: Apache-2.0
// Draws programs, mostly with few pages, descriptors and processes, so that their calls
// meet. Some of the calls are mistakes.
#include <fcntl.h>
#include <linux/ashmem.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "step.hpp"

namespace differential {
namespace {

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    Program program() {
        start();
        const std::size_t steps = 15 + below(50);
        while (program_.size() < steps)
            draw();
        return std::move(program_);
    }

private:
    using Numbers = std::array<std::int64_t, most_arguments>;

    std::int64_t below(std::uint64_t limit) { return static_cast<std::int64_t>(random_() % limit); }
    bool once_in(std::int64_t times) { return below(times) == 0; }
    template <typename... Values>
    std::int64_t one_of(Values... values) {
        const std::int64_t all[] = {static_cast<std::int64_t>(values)...};
        return all[below(sizeof...(values))];
    }

    void add(Call call, Numbers arguments = {}) { program_.push_back({actor_, call, arguments}); }

    // mistakes are rare, except in one program in four
    bool odd(std::int64_t times) { return once_in(wild_ ? times : times * 8); }

    std::int64_t slot() { return odd(6) ? below(most_slots) : below(2); }
    std::int64_t map() { return odd(4) ? below(most_maps) : below(2); }
    std::int64_t pages() { return odd(8) ? below(300) : below(9); }
    // mostly whole pages, now and then a byte off
    std::int64_t bytes(std::int64_t pages) {
        return pages * page_ + (odd(12) ? one_of(1, -1, 100, page_ / 2) : 0);
    }
    std::int64_t prot() { return one_of(3, 3, 3, 3, 1, 1, 2, 0, 7, 5, 4, 6); }
    std::int64_t mask() {
        return odd(12) ? one_of(8, -1, 0x10003, 15) : one_of(7, 7, 3, 1, 5, 2, 0);
    }

    std::int64_t size() {
        if (odd(12))
            return one_of(0, 1, -1, -page_, INT64_MIN, INT64_MAX, std::int64_t{1} << 40,
                          std::int64_t{5} << 30, (std::int64_t{1} << 32) + page_, 0x7fffffff);
        return once_in(5) ? 1 + below(20 * page_) : (1 + pages()) * page_;
    }

    // offset and length of a pin call
    Numbers range(std::int64_t slot) {
        if (once_in(12)) return {slot, once_in(2) ? 0 : bytes(pages()), 0};
        if (odd(20))
            return {slot, one_of(0xfffff000, 0x80000000, 1, 0),
                    one_of(0xfffff000, 0x80000000, 0x1000, 1)};
        return {slot, bytes(pages()), bytes(1 + (once_in(4) ? pages() : below(4)))};
    }

    Numbers mapping() {
        std::int64_t flags = MAP_SHARED;
        if (once_in(6)) flags = MAP_PRIVATE;
        if (once_in(8)) flags |= MAP_NORESERVE;
        if (once_in(40)) flags |= MAP_POPULATE;
        return {slot(), map(), odd(4) ? size() : (1 + below(4)) * page_,
                prot(), flags, once_in(5) ? pages() * page_ : 0};
    }

    // Nearly every program begins so; otherwise little worth comparing would follow.
    void start() {
        for (std::int64_t slot = 0; slot < 2; ++slot) {
            if (odd(6)) continue;
            add(Call::open, {slot, O_RDWR | O_CLOEXEC});
            furnish(slot);
        }
    }
    void furnish(std::int64_t slot) {
        if (once_in(3)) add(Call::setname, {slot, below(4)});
        if (!odd(8)) add(Call::setsize, {slot, (8 + below(8)) * page_});
        if (!odd(6))
            add(Call::mmap, {slot, slot % most_maps, (1 + below(8)) * page_, 3, MAP_SHARED, 0});
    }

    // Pins, unpins and purges of the same few pages, so that ranges meet.
    void draw_burst() {
        const auto slot = this->slot(), map = this->map();
        for (auto left = 3 + below(10); left > 0; --left) {
            switch (below(12)) {
                case 0:
                    add(Call::purge, {slot});
                    break;
                case 1:
                    add(Call::store, {map, below(8 * page_), 1 + below(2 * page_), below(256)});
                    break;
                case 2:
                    add(Call::status, range(slot));
                    break;
                case 3:
                case 4:
                case 5:
                    add(Call::pin, range(slot));
                    break;
                default:
                    add(Call::unpin, range(slot));
                    break;
            }
        }
    }

    void draw() {
        actor_ = odd(20) ? static_cast<int>(below(most_actors)) : alive_[below(alive_.size())];
        switch (below(20)) {
            case 0:
            case 1:
                return draw_descriptor();
            case 2:
                return draw_attribute();
            case 3:
            case 4:
                return draw_mapping();
            case 5:
                return draw_file();
            case 6:
            case 7:
                return draw_position();
            case 8:
            case 9:
            case 10:
            case 11:
                return draw_memory();
            case 12:
                return add(Call::purge, {slot()});
            case 13:
                return draw_process();
            case 14:
            case 15:
            case 16:
                return draw_burst();
            default:
                return draw_pin();
        }
    }

    void draw_descriptor() {
        const auto flags = one_of(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY) |
                           (once_in(3) ? one_of(O_CLOEXEC, O_NONBLOCK, O_APPEND, O_SYNC) : 0);
        switch (below(6)) {
            case 0:
            case 1:
                return open_another(flags);
            case 2:
                return once_in(3) ? add(Call::close, {slot()}) : open_another(flags);
            case 3:
                return add(Call::dup, {slot(), slot()});
            case 4:
                return add(Call::reopen, {slot(), slot(), flags});
            default:
                return add(Call::take, {slot(), slot(), below(most_actors)});
        }
    }

    void open_another(std::int64_t flags) {
        const auto slot = this->slot();
        add(Call::open, {slot, flags});
        furnish(slot);
    }

    void draw_process() {
        const auto other = static_cast<int>(below(most_actors));
        switch (below(8)) {
            case 0:
                std::erase(alive_, actor_);
                add(Call::exit);
                if (alive_.empty()) alive_.push_back(0);
                return;
            case 1:
                return once_in(3) && actor_ > 0 ? add(Call::drop) : add(Call::look);
            default:
                if (std::ranges::count(alive_, other) == 0) alive_.push_back(other);
                return add(Call::fork, {other});
        }
    }

    void draw_attribute() {
        switch (below(8)) {
            case 0:
                return add(Call::setname, {slot(), below(8)});
            case 1:
                return add(Call::getname, {slot(), once_in(4) ? 1 + below(4) : 0});
            case 2:
                return add(Call::setsize, {slot(), size()});
            case 3:
                return add(Call::getsize, {slot()});
            case 4:
                return add(Call::setmask, {slot(), mask()});
            case 5:
                return add(Call::getmask, {slot()});
            case 6:
                return add(Call::badpin, {slot(), below(3), below(3)});
            default:
                return add(Call::ioctl,
                           {slot(),
                            one_of(_IO(__ASHMEMIOC, 0), _IO(__ASHMEMIOC, 12), _IO(__ASHMEMIOC, 255),
                                   _IOW(__ASHMEMIOC, 1, char), _IOR(__ASHMEMIOC, 3, size_t),
                                   _IOW(__ASHMEMIOC, 3, std::uint32_t), _IO('x', 1), 0, -1),
                            one_of(0, 1, -1, 4096)});
        }
    }

    void draw_mapping() {
        switch (below(8)) {
            case 0:
                return add(Call::munmap, {map(), 0, 1 << 30});
            case 1:
                return add(Call::munmap, {map(), below(4) * page_, (1 + below(3)) * page_});
            case 2:
                return add(Call::mprotect, {map(), prot()});
            case 3:
                return add(Call::mremap, {map(), (1 + below(16)) * page_});
            case 4:
                return add(Call::maps, {map()});
            default:
                return add(Call::mmap, mapping());
        }
    }

    void draw_pin() {
        const auto numbers = range(slot());
        switch (below(7)) {
            case 0:
            case 1:
            case 2:
                return add(Call::unpin, numbers);
            case 3:
            case 4:
                return add(Call::pin, numbers);
            default:
                return add(Call::status, numbers);
        }
    }

    void draw_memory() {
        const auto at = below(10 * page_);
        switch (below(10)) {
            case 0:
                return add(Call::madvise,
                           {map(), below(6) * page_, (1 + below(4)) * page_,
                            one_of(MADV_DONTNEED, MADV_REMOVE, MADV_WILLNEED, MADV_FREE,
                                   MADV_PAGEOUT, MADV_COLD, MADV_HUGEPAGE, MADV_DONTFORK)});
            case 1:
                return add(Call::msync, {map(), one_of(MS_SYNC, MS_ASYNC, MS_INVALIDATE)});
            case 2:
                return add(Call::poke, {map(), at, below(256)});
            case 3:
            case 4:
            case 5:
                return add(Call::load, {map(), at, 1 + below(3 * page_)});
            default:
                return add(Call::store, {map(), at, 1 + below(2 * page_), below(256)});
        }
    }

    void draw_position() {
        const auto offset =
            once_in(8) ? one_of(-1, INT64_MAX, INT64_MIN, std::int64_t{1} << 32) : bytes(pages());
        switch (below(5)) {
            case 0:
            case 1:
                return add(Call::read, {slot(), below(4 * page_), once_in(10) ? 1 + below(2) : 0});
            case 2:
                // the original moves the position: a difference that is known
                return add(Call::pread, {slot(), below(4 * page_), offset, 1});
            default:
                return add(Call::lseek,
                           {slot(), offset, once_in(20) ? one_of(5, 9, -1) : below(5)});
        }
    }

    void draw_file() {
        switch (below(10)) {
            case 0:
                return add(Call::write, {slot(), below(page_)});
            case 1:
                return add(Call::ftruncate, {slot(), bytes(pages())});
            case 2:
                return add(Call::fallocate, {slot(),
                                             one_of(0, FALLOC_FL_KEEP_SIZE,
                                                    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
                                             bytes(pages()), bytes(1 + pages())});
            case 3:
                return add(Call::fsync, {slot()});
            case 4:
                return add(Call::fstat, {slot()});
            case 5:
                return add(Call::poll, {slot()});
            case 6:
                return add(
                    Call::fcntl,
                    {slot(), one_of(F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_GET_SEALS, F_ADD_SEALS),
                     one_of(0, O_NONBLOCK, O_APPEND, FD_CLOEXEC)});
            case 7:
                return add(Call::flock, {slot(), one_of(LOCK_EX, LOCK_SH, LOCK_UN) | LOCK_NB});
            default:
                return add(Call::fdinfo, {slot()});
        }
    }

    const std::int64_t page_ = sysconf(_SC_PAGESIZE);
    std::mt19937_64 random_;
    const bool wild_ = once_in(4);
    int actor_ = 0;
    std::vector<int> alive_{0}; // as far as can be told before the program runs
    Program program_;
};

} // namespace

Program generate(std::uint64_t seed) {
    return Generator(seed).program();
}

} // namespace differential

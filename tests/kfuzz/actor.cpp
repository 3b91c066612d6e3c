// SPDX-License-Identifier: Apache-2.0
// An actor's steps, but those that are about maps and pins.
#include "kfuzz/actor.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

namespace kfuzz {

void Actor::expect(const Slot& slot, Call call, long ret, std::initializer_list<int> errors) {
    const int error = static_cast<int>(-ret);
    if (ret >= 0 || std::ranges::find(errors, error) != errors.end()) return;
    if ((error == ENOTTY || error == ENODEV || error == EBADF) && Slots::is_closed(slot.fd)) return;
    complain(slot, std::string(name_of(call)) + ": " + std::strerror(error));
}

void Actor::complain(const Slot& slot, const std::string& text) {
    if (Slots::is_closed(slot.fd)) return;
    world_.complain("actor " + std::to_string(number_) + ", region " +
                    std::to_string(world_.number_of(slot.region)) + ": " + text);
}

void Actor::run(const Program& program) {
    for (std::size_t i = 0; i < program.size(); ++i) {
        const Step& step = program[i];
        if (step.actor != number_) continue;
        if (step.call != Call::fork) {
            act(step);
            continue;
        }
        const auto end = std::min<std::size_t>(program.size(), i + 1 + step.values[0] % 16);
        run_forked(program, i + 1, end);
        i = end - 1;
    }
}

// A child does the steps, with its copies of the maps and descriptors.
void Actor::run_forked(const Program& program, std::size_t first, std::size_t end) {
    const pid_t child = fork();
    if (child == 0) {
        // it must not act in the next program
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (auto i = first; i < end; ++i)
            if (program[i].actor == number_ && program[i].call != Call::fork) act(program[i]);
        _exit(0);
    }
    int status = 0;
    if (child > 0) waitpid(child, &status, 0);
    if (child > 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        world_.complain("a child was ended by signal " + std::to_string(WTERMSIG(status)));
}

void Actor::act(const Step& step) {
    switch (step.call) {
        case Call::open:
        case Call::close:
        case Call::dup:
        case Call::pass:
        case Call::take:
            return descriptor_call(step);
        case Call::munmap:
        case Call::mprotect:
        case Call::store:
        case Call::load:
        case Call::madvise:
            return map_call(step);
        case Call::limit:
        case Call::high:
        case Call::reclaim:
        case Call::press:
        case Call::drop:
        case Call::pause:
            return machine_call(step);
        default:
            break;
    }
    const Slot slot = slots_.get(number_, step.region);
    if (slot.fd < 0) return;
    switch (step.call) {
        case Call::mmap:
            return map(slot, step.values);
        case Call::pin:
        case Call::unpin:
        case Call::status:
            return pin_call(step.call, slot, step.values);
        case Call::read:
        case Call::pread:
        case Call::write:
        case Call::lseek:
        case Call::fdinfo:
            return file_call(step, slot);
        default:
            return attribute_call(step, slot);
    }
}

void Actor::descriptor_call(const Step& step) {
    switch (step.call) {
        case Call::open:
            slots_.open(number_, step.region,
                        static_cast<int>(step.values[0] & O_ACCMODE) == O_RDONLY
                            ? O_RDWR
                            : static_cast<int>(step.values[0] & O_ACCMODE));
            break;
        case Call::close:
            slots_.close(number_, step.region);
            break;
        case Call::dup:
            slots_.dup(number_, step.region);
            break;
        case Call::pass:
            slots_.pass(number_, step.region);
            break;
        default:
            slots_.take(number_, step.region);
            break;
    }
}

void Actor::attribute_call(const Step& step, const Slot& slot) {
    const auto value = step.values[0];
    switch (step.call) {
        case Call::setname:
            return set_name(slot, value);
        case Call::getname:
            return get_name(slot, value == 1);
        case Call::setsize:
            slot.region->may_have(value);
            return expect(slot, step.call, test::outcome(ioctl(slot.fd, ASHMEM_SET_SIZE, value)),
                          {EINVAL});
        case Call::getsize:
            // an int, which has no room for a large size
            ioctl(slot.fd, ASHMEM_GET_SIZE);
            return;
        case Call::setmask:
            return set_mask(slot, static_cast<unsigned>(value));
        case Call::getmask:
            return get_mask(slot);
        case Call::purge:
            return expect(slot, step.call, test::outcome(ioctl(slot.fd, ASHMEM_PURGE_ALL_CACHES)),
                          {EINTR});
        default:
            return file_id(slot, value == 1);
    }
}

void Actor::set_name(const Slot& slot, std::uint64_t kind) {
    const std::array<std::string, 5> names = {"", "short", std::string(255, 'n'),
                                              std::string(300, 'm'), "new\nline\\\x01"};
    if (kind < names.size())
        return expect(slot, Call::setname,
                      test::outcome(ioctl(slot.fd, ASHMEM_SET_NAME, names[kind].c_str())),
                      {EINVAL});
    if (test::outcome(ioctl(slot.fd, ASHMEM_SET_NAME, bad_pointer())) != -EFAULT)
        complain(slot, "SET_NAME takes a bad pointer");
}

void Actor::get_name(const Slot& slot, bool bad) {
    std::array<char, ASHMEM_NAME_LEN + 8> name{};
    name.fill('#');
    const long ret =
        test::outcome(ioctl(slot.fd, ASHMEM_GET_NAME, bad ? bad_pointer() : name.data()));
    if (bad) return expect(slot, Call::getname, ret == 0 ? -EIO : ret, {EFAULT});
    expect(slot, Call::getname, ret, {});
    const auto end = std::ranges::find(name, '\0');
    if (ret == 0 && (end - name.begin() >= ASHMEM_NAME_LEN ||
                     std::count(end + 1, name.end(), '#') != name.end() - end - 1))
        complain(slot, "GET_NAME writes beyond the name");
}

void Actor::set_mask(const Slot& slot, unsigned mask) {
    const auto before = slot.region->mask();
    const long ret =
        test::outcome(ioctl(slot.fd, ASHMEM_SET_PROT_MASK, static_cast<unsigned long>(mask)));
    expect(slot, Call::setmask, ret, {EINVAL});
    if (ret == 0 && (mask & ~before) != 0)
        complain(slot, "SET_PROT_MASK takes what the mask lacks");
    if (ret == 0) slot.region->saw_mask(mask);
}

void Actor::get_mask(const Slot& slot) {
    const auto before = slot.region->mask();
    const long mask = test::outcome(ioctl(slot.fd, ASHMEM_GET_PROT_MASK));
    expect(slot, Call::getmask, mask, {});
    if (mask < 0) return;
    if ((static_cast<unsigned>(mask) & ~before) != 0) complain(slot, "the mask has become wider");
    slot.region->saw_mask(static_cast<unsigned>(mask));
}

void Actor::file_id(const Slot& slot, bool bad) {
    unsigned long id = 0;
    const long ret = test::outcome(ioctl(slot.fd, ASHMEM_GET_FILE_ID, bad ? bad_pointer() : &id));
    expect(slot, Call::fileid, ret, {EINVAL, EFAULT});
    if (bad && ret == 0) complain(slot, "GET_FILE_ID takes a bad pointer");
    if (!bad && ret == -EFAULT) complain(slot, "GET_FILE_ID refuses a good pointer");
}

void Actor::file_call(const Step& step, const Slot& slot) {
    const auto [a, b, c] = step.values;
    std::vector<char> buffer(std::min<std::uint64_t>(a, 1U << 16));
    switch (step.call) {
        case Call::read:
            return expect(slot, step.call,
                          test::outcome(read(slot.fd, buffer.data(), buffer.size())),
                          {EBADF, EINVAL});
        case Call::pread:
            return expect(
                slot, step.call,
                test::outcome(pread(slot.fd, buffer.data(), buffer.size(), static_cast<off_t>(b))),
                {EBADF, EINVAL});
        case Call::write:
            if (test::outcome(write(slot.fd, buffer.data(), buffer.size())) > 0)
                complain(slot, "write works");
            return;
        case Call::lseek:
            return expect(slot, step.call,
                          test::outcome(lseek(slot.fd, static_cast<off_t>(a), static_cast<int>(b))),
                          {EBADF, EINVAL, ENXIO, EOVERFLOW});
        default:
            if (test::read_file("/proc/self/fdinfo/" + std::to_string(slot.fd)).empty())
                complain(slot, "no fdinfo");
    }
}

// Reads by the device what nobody may have unpinned.
void Actor::check_pages(const Slot& slot, std::uint64_t first, std::uint64_t end) {
    for (auto page = first; page < std::min<std::uint64_t>(end, Region::most_pages); ++page) {
        if (!slot.region->must_hold(page)) continue;
        std::uint64_t bytes = 0;
        const long ret = test::outcome(
            pread(slot.fd, &bytes, sizeof bytes, static_cast<off_t>(page * test::page_size())));
        // of a size that ends within these bytes
        if (ret >= 0 && ret < static_cast<long>(sizeof bytes)) continue;
        expect(slot, Call::pread, ret, {EBADF});
        if (ret > 0 && bytes != world_.bytes_of(slot.region, page) && slot.region->must_hold(page))
            complain(slot, "page " + std::to_string(page) + " is lost, which was pinned");
    }
}

void Actor::check_all() {
    for (std::size_t i = 0; i < Slots::count; ++i)
        if (const Slot slot = slots_.at(i); slot.fd >= 0) {
            get_mask(slot);
            check_pages(slot, 0, Region::most_pages);
        }
}

} // namespace kfuzz

// SPDX-License-Identifier: Apache-2.0
// Makes a step's call on /dev/ashmem, and describes its outcome as text.
#include "actor.hpp"

#include <fcntl.h>
#include <linux/ashmem.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <vector>

#include "memory.hpp"
#include "support/process.hpp"
#include "support/region.hpp"

namespace differential {
namespace {

using test::outcome;
using test::page_size;

// of one region or map, when all is looked at
constexpr std::int64_t most_seen = 1 << 17;

// A slot's descriptor has the same number in every process.
constexpr int first_fd = 100;
int fd_of(std::int64_t slot) {
    return first_fd + static_cast<int>(slot);
}

// Moves a new descriptor to where its slot has it.
Answer settle(long fd, std::int64_t slot) {
    if (fd < 0) return {fd, {}};
    const int flags = fcntl(static_cast<int>(fd), F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0;
    dup3(static_cast<int>(fd), fd_of(slot), flags);
    ::close(static_cast<int>(fd));
    return {0, flags ? "cloexec" : ""};
}

std::string name_of_kind(std::int64_t kind) {
    switch (kind) {
        case 0:
            return "frames";
        case 1:
            return "";
        case 2:
            return std::string(255, 'n');
        case 3:
            return std::string(300, 'm');
        case 4:
            return "two\nlines \x01\xff/..";
        default:
            return "at an edge";
    }
}

} // namespace

Answer Actor::act(const Step& step, const std::array<pid_t, most_actors>& others) {
    switch (step.call) {
        case Call::open:
        case Call::close:
        case Call::dup:
        case Call::reopen:
        case Call::take:
        case Call::drop:
            return descriptor_call(step, others);
        case Call::mmap:
        case Call::munmap:
        case Call::mprotect:
        case Call::mremap:
        case Call::madvise:
        case Call::msync:
        case Call::maps:
            return map_call(step);
        case Call::store:
        case Call::load:
        case Call::poke:
            return memory_call(step);
        case Call::look:
            return look();
        case Call::fork:
        case Call::exit:
            return {-ENOSYS, "not for the actor"};
        default:
            break;
    }
    return step.call < Call::mmap ? attribute_call(step) : file_call(step);
}

Answer Actor::descriptor_call(const Step& step, const std::array<pid_t, most_actors>& others) {
    const auto& [a, b, c, d, e, f] = step.arguments;
    switch (step.call) {
        case Call::open:
            return settle(outcome(::open("/dev/ashmem", static_cast<int>(b))), a);
        case Call::close:
            return {outcome(::close(fd_of(a))), {}};
        case Call::dup:
            return settle(outcome(fcntl(fd_of(a), F_DUPFD, 200)), b);
        case Call::reopen: {
            const std::string path = "/proc/self/fd/" + std::to_string(fd_of(a));
            return settle(outcome(::open(path.c_str(), static_cast<int>(c))), b);
        }
        case Call::take: {
            const pid_t from = others[static_cast<std::size_t>(c)];
            if (from <= 0) return {-ESRCH, {}};
            const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, from, 0));
            const long fd = outcome(syscall(SYS_pidfd_getfd, pidfd, fd_of(a), 0));
            ::close(pidfd);
            return settle(fd, b);
        }
        default:
            test::drop_capabilities();
            return {0, {}};
    }
}

Answer Actor::attribute_call(const Step& step) {
    const auto& [a, b, c, d, e, f] = step.arguments;
    const int fd = fd_of(a);
    switch (step.call) {
        case Call::setname: {
            const std::string name = name_of_kind(b);
            const void* at = name.c_str();
            if (b >= 5) at = buffer(b - 4, b == 6 ? 40 : 0);
            if (b == 6) std::memset(buffer(2, 40), 'e', 20);
            return {outcome(::ioctl(fd, ASHMEM_SET_NAME, at)), {}};
        }
        case Call::getname: {
            void* at = buffer(b, b == 2 ? 10 : ASHMEM_NAME_LEN);
            const long ret = outcome(::ioctl(fd, ASHMEM_GET_NAME, at));
            if (ret < 0 || b != 0) return {ret, {}};
            return {ret, contents(static_cast<unsigned char*>(at), ASHMEM_NAME_LEN)};
        }
        case Call::setsize:
            return {outcome(::ioctl(fd, ASHMEM_SET_SIZE, b)), {}};
        case Call::getsize:
            return {outcome(::ioctl(fd, ASHMEM_GET_SIZE, 0)), {}};
        case Call::setmask:
            return {outcome(::ioctl(fd, ASHMEM_SET_PROT_MASK, b)), {}};
        case Call::getmask:
            return {outcome(::ioctl(fd, ASHMEM_GET_PROT_MASK, 0)), {}};
        case Call::badpin: {
            constexpr unsigned long commands[] = {ASHMEM_PIN, ASHMEM_UNPIN, ASHMEM_GET_PIN_STATUS};
            return {outcome(::ioctl(fd, commands[b], buffer(c + 1, sizeof(ashmem_pin)))), {}};
        }
        case Call::purge:
            return {outcome(::ioctl(fd, ASHMEM_PURGE_ALL_CACHES, 0)), {}};
        case Call::ioctl:
            return {outcome(::ioctl(fd, static_cast<unsigned long>(b), c)), {}};
        default:
            break;
    }
    const ashmem_pin range{static_cast<__u32>(b), static_cast<__u32>(c)};
    const unsigned long command = step.call == Call::pin     ? ASHMEM_PIN
                                  : step.call == Call::unpin ? ASHMEM_UNPIN
                                                             : ASHMEM_GET_PIN_STATUS;
    return {outcome(::ioctl(fd, command, &range)), {}};
}

Answer Actor::map_call(const Step& step) {
    const auto& [a, b, c, d, e, f] = step.arguments;
    if (step.call == Call::mmap) {
        Map& map = maps_[static_cast<std::size_t>(b)];
        if (map.data) munmap(map.data, map.length);
        map = {};
        const auto length = static_cast<std::size_t>(c);
        void* at = ::mmap(nullptr, length, static_cast<int>(d), static_cast<int>(e), fd_of(a), f);
        if (at == MAP_FAILED) return {-errno, {}};
        map = {static_cast<unsigned char*>(at), length};
        return {0, {}};
    }
    Map& map = maps_[static_cast<std::size_t>(a)];
    if (!map.data) return {0, "no map"};
    const auto offset = std::min(static_cast<std::size_t>(b), map.length);
    const auto length = std::min(static_cast<std::size_t>(c), map.length - offset);
    switch (step.call) {
        case Call::munmap:
            if (offset == 0 && length == map.length) {
                const long ret = outcome(::munmap(map.data, map.length));
                map = {};
                return {ret, "whole"};
            }
            // A hole is kept from what might be mapped into it next.
            if (length == 0) return {0, "nothing"};
            return {
                ::mmap(map.data + offset, length, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED
                    ? -errno
                    : 0,
                {}};
        case Call::mprotect:
            return {outcome(::mprotect(map.data, map.length, static_cast<int>(b))), {}};
        case Call::mremap: {
            void* at = ::mremap(map.data, map.length, static_cast<std::size_t>(b), MREMAP_MAYMOVE);
            if (at == MAP_FAILED) return {-errno, {}};
            map = {static_cast<unsigned char*>(at), static_cast<std::size_t>(b)};
            return {0, {}};
        }
        case Call::madvise:
            return {outcome(::madvise(map.data + offset, length, static_cast<int>(d))), {}};
        case Call::msync:
            return {outcome(::msync(map.data, map.length, static_cast<int>(b))), {}};
        default:
            break;
    }
    // rights and name; addresses, offset and inode are each run's own
    std::istringstream lines(test::read_file("/proc/self/maps"));
    std::ostringstream start;
    start << std::hex << reinterpret_cast<std::uintptr_t>(map.data) << '-';
    for (std::string line; std::getline(lines, line);) {
        if (line.find(start.str()) != 0) continue;
        const auto name = line.find('/');
        return {0, line.substr(line.find(' ') + 1, 4) +
                       (name == std::string::npos ? "" : " " + line.substr(name))};
    }
    return {0, "not there"};
}

Answer Actor::memory_call(const Step& step) {
    const auto& [a, b, c, d, e, f] = step.arguments;
    const Map& map = maps_[static_cast<std::size_t>(a)];
    if (!map.data) return {0, "no map"};
    const auto offset = std::min(static_cast<std::size_t>(b), map.length - 1);
    if (step.call == Call::poke) {
        const auto byte = static_cast<char>(c);
        const int fd = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
        const auto at = reinterpret_cast<std::uintptr_t>(map.data + offset);
        const long ret = outcome(::pwrite(fd, &byte, 1, static_cast<off_t>(at)));
        ::close(fd);
        return {ret, {}};
    }
    const auto length = std::min(static_cast<std::size_t>(c), map.length - offset);
    if (step.call == Call::store) {
        const int signal = guarded(
            [&, byte = static_cast<int>(d)] { std::memset(map.data + offset, byte, length); });
        return {signal, signal ? signal_name(signal) : ""};
    }
    static std::vector<unsigned char> seen;
    seen.assign(length, 0);
    // page by page, so that the outcome includes what was read before a fault
    const int signal = guarded([&] {
        for (std::size_t i = 0, part; i < length; i += part) {
            part = std::min(length - i, page_size() - (offset + i) % page_size());
            std::memcpy(seen.data() + i, map.data + offset + i, part);
        }
    });
    return {signal, (signal ? signal_name(signal) + std::string(" after ") : std::string()) +
                        contents(seen.data(), length)};
}

Answer Actor::file_call(const Step& step) {
    const auto& [a, b, c, d, e, f] = step.arguments;
    const int fd = fd_of(a);
    switch (step.call) {
        case Call::read: {
            auto* at = static_cast<unsigned char*>(buffer(c, static_cast<std::size_t>(b)));
            const long ret = outcome(::read(fd, at, static_cast<std::size_t>(b)));
            return {ret, ret > 0 && c == 0 ? contents(at, static_cast<std::size_t>(b)) : ""};
        }
        case Call::pread: {
            auto* at = static_cast<unsigned char*>(buffer(0, static_cast<std::size_t>(b)));
            const off_t position = ::lseek(fd, 0, SEEK_CUR);
            const long ret = outcome(::pread(fd, at, static_cast<std::size_t>(b), c));
            if (d && position >= 0) ::lseek(fd, position, SEEK_SET);
            return {ret, ret > 0 ? contents(at, static_cast<std::size_t>(b)) : ""};
        }
        case Call::write: {
            const void* at = buffer(0, static_cast<std::size_t>(b));
            return {outcome(::write(fd, at, static_cast<std::size_t>(b))), {}};
        }
        case Call::lseek:
            return {outcome(::lseek(fd, b, static_cast<int>(c))), {}};
        case Call::ftruncate:
            return {outcome(::ftruncate(fd, b)), {}};
        case Call::fallocate:
            return {outcome(::fallocate(fd, static_cast<int>(b), c, d)), {}};
        case Call::fsync:
            return {outcome(::fsync(fd)), {}};
        case Call::fstat: {
            struct stat status {};
            const long ret = outcome(::fstat(fd, &status));
            return {ret, std::to_string(status.st_mode & S_IFMT) + " " +
                             std::to_string(status.st_size) + " " +
                             std::to_string(status.st_blocks)};
        }
        case Call::poll: {
            pollfd entry{fd, POLLIN | POLLOUT | POLLPRI, 0};
            const long ret = outcome(::poll(&entry, 1, 0));
            return {ret, std::to_string(entry.revents)};
        }
        case Call::fcntl:
            return {outcome(::fcntl(fd, static_cast<int>(b), c)), {}};
        case Call::flock:
            return {outcome(::flock(fd, static_cast<int>(b))), {}};
        default:
            break;
    }
    std::istringstream lines(test::read_file("/proc/self/fdinfo/" + std::to_string(fd)));
    std::string text;
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("pos:") || line.starts_with("flags:")) text += line + ' ';
    return {0, text};
}

Answer Actor::look() {
    static constexpr std::array<pid_t, most_actors> nobody{};
    std::ostringstream text;
    const auto see = [&](Call call, std::array<std::int64_t, most_arguments> arguments) {
        const Answer answer = act({0, call, arguments}, nobody);
        text << ' ' << name_of(call) << ' ' << answer.value;
        if (!answer.text.empty()) text << " (" << answer.text << ')';
    };
    for (std::int64_t slot = 0; slot < most_slots; ++slot) {
        if (fcntl(fd_of(slot), F_GETFD) < 0) continue;
        text << "\n    slot " << slot << ':';
        see(Call::getname, {slot, 0});
        see(Call::getsize, {slot});
        see(Call::getmask, {slot});
        see(Call::status, {slot, 0, 0});
        see(Call::lseek, {slot, 0, SEEK_CUR});
        see(Call::lseek, {slot, 0, SEEK_SET});
        see(Call::read, {slot, most_seen, 0});
    }
    for (std::int64_t map = 0; map < most_maps; ++map) {
        if (!maps_[static_cast<std::size_t>(map)].data) continue;
        text << "\n    map " << map << ':';
        see(Call::maps, {map});
        see(Call::load, {map, 0, most_seen});
    }
    return {0, text.str()};
}

} // namespace differential

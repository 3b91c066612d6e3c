// SPDX-License-Identifier: Apache-2.0
// Who a thread is, across processes: its number, when it started, and its PID namespace.
#include "holder.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ashmem/unique_fd.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace ashmem::holder {
namespace {

// A token's bits: 0 to 21 the thread's number, which the kernel keeps below 2^22; 22 to 30
// and 56 to 63 the namespace; 31 is `waiters`; 32 to 55 the start. A number is given to
// another thread only after all others were, so that the start tells the two apart.
constexpr unsigned number_bits = 22, space_low_bits = 9, start_bits = 24, space_high_bits = 8;
constexpr unsigned start_at = 32, space_high_at = 56;

constexpr std::uint64_t low(std::uint64_t value, unsigned bits) {
    return value & ((std::uint64_t{1} << bits) - 1);
}

struct Thread {
    std::uint64_t number = 0;
    std::uint64_t start = 0; ///< 0: not known
    std::uint64_t space = 0; ///< 0: not known
};

constexpr Token pack(const Thread& thread) {
    return low(thread.number, number_bits) | low(thread.space, space_low_bits) << number_bits |
           low(thread.start, start_bits) << start_at |
           low(thread.space >> space_low_bits, space_high_bits) << space_high_at;
}

constexpr Thread unpack(Token token) {
    return {.number = low(token, number_bits),
            .start = low(token >> start_at, start_bits),
            .space = low(token >> number_bits, space_low_bits) |
                     low(token >> space_high_at, space_high_bits) << space_low_bits};
}

/** A number reduced to so many bits; never 0, which means unknown. */
std::uint64_t folded(std::uint64_t value, unsigned bits) {
    const std::uint64_t rest = low(value ^ value >> bits, bits);
    return rest != 0 ? rest : 1;
}

std::uint64_t this_space() noexcept {
    struct stat status;
    if (::stat("/proc/self/ns/pid", &status) != 0) return 0;
    return folded(status.st_ino, space_low_bits + space_high_bits);
}

struct Stat {
    char state = '?';
    std::uint64_t start = 0;
};

/** The third and the 22nd field of /proc/PID/stat; the second may hold anything. */
std::optional<Stat> parse_stat(std::string_view text) noexcept {
    const auto end_of_name = text.rfind(')');
    if (end_of_name == text.npos || text.size() < end_of_name + 3) return {};
    text.remove_prefix(end_of_name + 2);
    Stat stat{.state = text.front()};
    for (int field = 3; field < 22; ++field) {
        const auto space = text.find(' ');
        if (space == text.npos) return {};
        text.remove_prefix(space + 1);
    }
    std::uint64_t ticks = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), ticks).ec != std::errc()) return {};
    stat.start = folded(ticks, start_bits);
    return stat;
}

std::optional<Stat> read_stat(const char* path) noexcept {
    const unique_fd fd(::open(path, O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> text;
    const ssize_t got = fd.ok() ? ::read(fd.get(), text.data(), text.size()) : -1;
    if (got <= 0) return {};
    return parse_stat({text.data(), static_cast<std::size_t>(got)});
}

Token find_out() noexcept {
    const auto stat = read_stat("/proc/thread-self/stat");
    return pack({.number = static_cast<std::uint64_t>(::gettid()),
                 .start = stat ? stat->start : 0,
                 .space = this_space()});
}

} // namespace

constinit thread_local Identity detail::known_thread;

std::uint32_t detail::process_by_pid() noexcept {
    return static_cast<std::uint32_t>(::getpid()) | std::uint32_t{1} << 31;
}

std::uint32_t detail::find_out_process() noexcept {
    return generation::prepare() ? generation::current() : process_by_pid();
}

Identity detail::find_out_thread() noexcept {
    known_thread = {find_out(), this_process()};
    return known_thread;
}

bool is_dead(Token token) noexcept {
    const Thread thread = unpack(token);
    if (thread.number == 0) return true;
    if (thread.space != this_space()) return false;
    std::array<char, 32> path;
    (void)std::snprintf(path.data(), path.size(), "/proc/%u/stat",
                        static_cast<unsigned>(thread.number));
    const auto stat = read_stat(path.data());
    // without /proc, or with another user's processes hidden in it
    if (!stat) return ::kill(static_cast<pid_t>(thread.number), 0) != 0 && errno == ESRCH;
    if (stat->state == 'Z' || stat->state == 'X') return true;
    return thread.start != 0 && thread.start != stat->start;
}

} // namespace ashmem::holder

// SPDX-License-Identifier: Apache-2.0
// Filters of system calls.
#include "seccomp.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

namespace test {

namespace {

// the lower half of the second argument
constexpr std::uint32_t argument_at =
    offsetof(seccomp_data, args) + 8 + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);

// an answer to calls of a number whose argument, of which these bits count, is this
void answer(long number, std::uint32_t answer, std::uint32_t bits, std::uint32_t argument) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof(filter) / sizeof(*filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        throw std::system_error(errno, std::generic_category(), "seccomp");
}

} // namespace

void refuse_call(long number, int error, std::uint32_t bits) {
    answer(number, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error), bits, bits);
}

void forbid_call(long number, std::uint32_t argument) {
    answer(number, SECCOMP_RET_KILL_PROCESS, UINT32_MAX, argument);
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// Touches memory that may fault, and hashes memory.
#include "memory.hpp"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <sstream>
#include <vector>

#include "support/region.hpp"

namespace differential {
namespace {

using test::page_size;

// FNV-1a, but by words where it can: most of a run's time goes into this.
std::uint64_t hash(const unsigned char* bytes, std::size_t length) {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t sum = 0xcbf29ce484222325, word = 0;
    for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
        std::memcpy(&word, bytes, sizeof(word));
        sum = (sum ^ word) * prime;
        sum ^= sum >> 32;
    }
    for (; length > 0; --length)
        sum = (sum ^ *bytes++) * prime;
    return sum;
}

sigjmp_buf fault;
void on_fault(int signal) {
    siglongjmp(fault, signal);
}

} // namespace

int guarded(const std::function<void()>& touch) {
    struct sigaction handler {};
    handler.sa_handler = on_fault;
    sigaction(SIGSEGV, &handler, nullptr);
    sigaction(SIGBUS, &handler, nullptr);
    const int signal = sigsetjmp(fault, 1);
    if (!signal) touch();
    return signal;
}

std::string contents(const unsigned char* bytes, std::size_t length) {
    std::ostringstream text;
    text << length << " bytes " << std::hex << hash(bytes, length);
    return text.str();
}

const char* signal_name(int signal) {
    return signal == SIGBUS ? "SIGBUS" : "SIGSEGV";
}

void* buffer(std::int64_t kind, std::size_t length) {
    static test::EdgePage edge;
    static std::vector<char> memory;
    switch (kind) {
        case 1:
            return nullptr;
        case 2:
            return edge.last(std::min(length / 2, page_size()));
        case 3:
            return reinterpret_cast<void*>(~std::uintptr_t{0xfff});
        case 4:
            return const_cast<char*>("read-only");
        default:
            memory.assign(length, 0x5a);
            return memory.data();
    }
}

} // namespace differential

// SPDX-License-Identifier: Apache-2.0
// Calls on a region that is there: pins and reads.
#include <sys/syscall.h>

#include <array>

#include "memory.hpp"
#include "report.hpp"

namespace costs {
namespace {

constexpr std::size_t pages = 1024;

void unpin_and_pin(int fd, std::size_t first, std::size_t count) {
    pin_call(fd, ASHMEM_UNPIN, first, count);
    pin_call(fd, ASHMEM_PIN, first, count);
}

void ask_pins(Report& report, int fd) {
    report.add("pair", "UNPIN and PIN of 16 pages",
               cost(calls, [fd] { unpin_and_pin(fd, 512, 16); }));
    report.add("pair_whole", "UNPIN and PIN of the whole region",
               cost(calls, [fd] { unpin_and_pin(fd, 0, 0); }));
    report.add("pair_pagewise", "64 pages one by one, then so pinned; a page",
               cost({15, 2, 6}, [fd] {
                   for (std::size_t i = 0; i < 64; ++i)
                       pin_call(fd, ASHMEM_UNPIN, 512 + i, 1);
                   for (std::size_t i = 0; i < 64; ++i)
                       pin_call(fd, ASHMEM_PIN, 512 + i, 1);
               }) / 64);
    pin_call(fd, ASHMEM_UNPIN, 0, 1);
    report.add("pair_second", "UNPIN and PIN of 16 pages, another range there",
               cost(calls, [fd] { unpin_and_pin(fd, 512, 16); }));
    report.add("status_unpinned", "GET_PIN_STATUS of an unpinned page",
               cost(calls, [fd] { pin_call(fd, ASHMEM_GET_PIN_STATUS, 0, 1); }));
    pin_call(fd, ASHMEM_PIN, 0, 1);
    report.add("status_pinned", "GET_PIN_STATUS of a pinned page",
               cost(calls, [fd] { pin_call(fd, ASHMEM_GET_PIN_STATUS, 0, 1); }));
}

void ask_reads(Report& report, int ours, int peer) {
    static std::array<char, page> buffer;
    const auto read_from = [](int fd) {
        return [fd] {
            if (pread(fd, buffer.data(), page, page) != ssize_t{page})
                throw std::runtime_error("a read was short");
        };
    };
    report.add("pread", "pread of 4 KiB", compare(calls, read_from(ours), read_from(peer)));
}

} // namespace

void ask_calls(Report& report) {
    const auto region = test::Region::of_pages(pages);
    const Memfd memfd(pages * page);
    const auto map = region.map_pages(pages);
    const test::Map peer(memfd.fd(), pages * page);
    touch(map);
    touch(peer);
    report.add("getppid", "getppid, which does nothing", cost(calls, [] { syscall(SYS_getppid); }));
    ask_pins(report, region.fd());
    ask_reads(report, region.fd(), memfd.fd());
}

} // namespace costs

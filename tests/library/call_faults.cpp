// SPDX-License-Identifier: Apache-2.0
// Each system call of each operation on a region fails once. The operation then does without
// it, or says why it could not; nothing is left of it, and the region is as it was.
#include <ashmem/ashmem.h>
#include <cutils/ashmem.h>
#include <fcntl.h>
#include <linux/ashmem.h>
#include <sys/mman.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "support/backend.hpp"
#include "support/call_fault.hpp"
#include "support/region.hpp"

using ashmem::Mapping;
using ashmem::PinResult;
using ashmem::Prot;
using ashmem::Region;
using test::CallFault;
using test::need;
using test::Operation;
using test::page_size;

namespace {

// A region of the driver's is told by its node, which may not be found.
constexpr std::initializer_list<int> unrecognized = {ENOTTY};

std::size_t size() {
    return 2 * page_size() + 1;
}

Region made() {
    return Region::create("swept", size());
}

// a Region of its own of the same memory, which has not been asked anything
Region another(const Region& region) {
    return Region::dup(region.fd());
}

void need_whole(Region& region) {
    need(region.ok() && region.size() == size() && region.name() == "swept", "another region");
    Mapping map = region.map(Prot::read_write);
    map.bytes().back() = std::byte{1};
    need(region.pinned(), "it is not pinned");
    region.unpin(page_size(), page_size());
    need(region.pin() == PinResult::not_purged, "it is lost");
    need(region.protection() == Prot::all, "it was narrowed");
}

// what came of making one
void need_whole_or_none(int error, Region& region) {
    if (error == 0)
        need_whole(region);
    else
        need(!region.ok() && region.fd() == -1, "a Region that is none");
}

// A question, whose answer must be this if it succeeds.
template <class Ask, class Answer>
Operation question(const char* name, Ask ask, Answer right) {
    return {name, [=](CallFault& fault) {
                Region region = made(), asked = another(region);
                Answer answer{};
                const int error = fault.in([&] {
                    std::error_code ec;
                    answer = ask(asked, ec);
                    return ec;
                });
                need(answer == (error == 0 ? right : Answer{}), "the answer is wrong");
                need_whole(asked);
            }};
}

} // namespace

TEST_CASE("a Region is made whole or not at all, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({
        {"create",
         [](CallFault& fault) {
             Region region;
             const int error = fault.in([&] {
                 std::error_code ec;
                 region = Region::create("swept", size(), ec);
                 return ec;
             });
             need_whole_or_none(error, region);
         }},
        {"adopt",
         [](CallFault& fault) {
             const Region first = made();
             auto fd = another(first).release();
             Region region;
             const int error = fault.in(
                 [&] {
                     std::error_code ec;
                     region = Region::adopt(std::move(fd), ec);
                     return ec;
                 },
                 unrecognized);
             need_whole_or_none(error, region);
         }},
        {"dup",
         [](CallFault& fault) {
             Region first = made(), region;
             const int error = fault.in(
                 [&] {
                     region = Region::dup(first.fd());
                     return 0;
                 },
                 unrecognized);
             need_whole_or_none(error, region);
             need_whole(first);
         }},
    });
}

TEST_CASE("a Region answers right or says why not, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({
        question(
            "size", [](Region& region, auto& ec) { return region.size(ec); }, size()),
        {"size of what is sealed for good",
         [](CallFault& fault) {
             const test::Backend memfd("memfd");
             const Region first = made();
             need(fcntl(first.fd(), F_ADD_SEALS, F_SEAL_SEAL) == 0, "no seal");
             auto fd = another(first).release();
             std::size_t answer = 0;
             const int error = fault.in([&] {
                 answer = Region::adopt(std::move(fd)).size();
                 return 0;
             });
             need(answer == (error == 0 ? size() : 0), "its size");
         }},
        question(
            "name", [](Region& region, auto& ec) { return region.name(ec); }, std::string("swept")),
        question(
            "protection", [](Region& region, auto& ec) { return region.protection(ec); },
            Prot::all),
    });
}

TEST_CASE("a Region maps, pins and narrows or says why not, whichever system call fails",
          "[library][anywhere]") {
    test::sweep_calls({
        {"map",
         [](CallFault& fault) {
             Region first = made(), region = another(first);
             Mapping map;
             const int error = fault.in([&] {
                 std::error_code ec;
                 map = region.map(Prot::read_write, ec);
                 return ec;
             });
             need(map.ok() == (error == 0) && map.size() == (error == 0 ? size() : 0), "its size");
             if (error == 0) map.bytes().back() = std::byte{1};
             need_whole(region);
         }},
        {"unmap",
         [](CallFault& fault) {
             Region region = made();
             Mapping map = region.map(Prot::read_write);
             const int error = fault.in([&] {
                 map.unmap();
                 return 0;
             });
             need(map.ok() == (error != 0), "whether it is mapped");
             if (map.ok()) map.bytes().back() = std::byte{1};
             map.unmap();
             need_whole(region);
         }},
        {"pin and unpin",
         [](CallFault& fault) {
             Region first = made(), region = another(first);
             const Mapping map = first.map(Prot::read);
             fault.in([&] {
                 region.unpin(page_size(), page_size());
                 (void)region.pinned();
                 return region.pin() == PinResult::not_purged ? 0 : -1;
             });
             (void)region.pin();
             need_whole(region);
         }},
        {"PinGuard",
         [](CallFault& fault) {
             Region region = made();
             const Mapping map = region.map(Prot::read);
             fault.in([&] {
                 std::error_code ec;
                 const ashmem::PinGuard guard(region, 0, page_size(), ec);
                 return ec;
             });
             (void)region.pin();
             need_whole(region);
         }},
        {"set_protection",
         [](CallFault& fault) {
             const Region first = made();
             Region region = another(first);
             const int error = fault.in([&] {
                 std::error_code ec;
                 region.set_protection(Prot::read, ec);
                 return ec;
             });
             const Prot now = region.protection();
             need(ashmem::includes(now, Prot::write) == (error != 0), "whether it is narrowed");
         }},
    });
}

TEST_CASE("a C function answers right or -1, whichever system call fails", "[library][anywhere]") {
    using Ask = std::int64_t (*)(int);
    struct Question {
        const char* name;
        Ask ask;
        std::int64_t right;
    };
    const auto all = static_cast<std::int64_t>(Prot::all);
    const Question questions[] = {
        {"valid", [](int fd) -> std::int64_t { return ashmem_valid(fd) != 0 ? 1 : -1; }, 1},
        {"backend", [](int fd) -> std::int64_t { return ashmem_backend(fd) > 0 ? 1 : -1; }, 1},
        {"size", [](int fd) -> std::int64_t { return ashmem_get_size_region(fd); },
         static_cast<std::int64_t>(size())},
        {"size64", [](int fd) { return ashmem_get_size_region64(fd); },
         static_cast<std::int64_t>(size())},
        {"protection", [](int fd) -> std::int64_t { return ashmem_get_prot_region(fd); }, all},
        {"narrow", [](int fd) -> std::int64_t { return ashmem_set_prot_region(fd, PROT_READ); }, 0},
        {"pin", [](int fd) -> std::int64_t { return ashmem_pin_region(fd, 0, 0); },
         ASHMEM_NOT_PURGED},
        {"unpin", [](int fd) -> std::int64_t { return ashmem_unpin_region(fd, 0, 0); }, 0},
        {"status", [](int fd) -> std::int64_t { return ashmem_get_pin_status_region(fd, 0, 0); },
         ASHMEM_IS_PINNED},
        {"name",
         [](int fd) -> std::int64_t {
             char name[ASHMEM_NAME_LEN];
             return ashmem_get_name_region(fd, name, sizeof(name));
         },
         std::int64_t{sizeof("swept") - 1}},
    };
    for (const Question& question : questions)
        test::sweep_calls(
            {{question.name, [&](CallFault& fault) {
                  const Region region = made();
                  const Mapping map = region.map(Prot::read);
                  std::int64_t answer = 0;
                  const int error = fault.in([&] {
                      answer = question.ask(region.fd());
                      return answer < 0 ? errno : 0;
                  });
                  need(answer == (error == 0 ? question.right : -1), "the answer is wrong");
                  need(question.ask(region.fd()) == question.right, "the next answer is wrong");
              }}});
    test::sweep_calls({{"create", [](CallFault& fault) {
                            ashmem::unique_fd fd;
                            fault.in([&] {
                                fd = ashmem::unique_fd(ashmem_create_region("swept", size()));
                                return fd.ok() ? 0 : errno;
                            });
                            if (!fd.ok()) return;
                            Region region = Region::adopt(std::move(fd));
                            need_whole(region);
                        }}});
}

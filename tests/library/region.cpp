// SPDX-License-Identifier: Apache-2.0
// The C++ classes Region and Mapping, on the device.
#include "support/region.hpp"

#include <ashmem/ashmem.h>
#include <fcntl.h>
#include <unistd.h>

#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "support/backend.hpp"
#include "support/process.hpp"

using ashmem::Mapping;
using ashmem::PinResult;
using ashmem::Prot;
using test::page_size;

namespace {

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 256; ++fd)
        if (fcntl(fd, F_GETFD) != -1) ++count;
    return count;
}

// what a throwing call throws, as an errno; 0 for nothing
int thrown_by(const std::function<void()>& call, const std::string& operation) {
    try {
        call();
    } catch (const std::system_error& error) {
        INFO(error.what());
        CHECK(std::string(error.what()).find(operation) != std::string::npos);
        return error.code().value();
    }
    return 0;
}

} // namespace

TEST_CASE("a Region knows its size, name and protection", "[device][library]") {
    auto region = ashmem::Region::create("a region", 12345);
    CHECK(region.ok());
    CHECK(region.size() == 12345);
    CHECK(region.name() == "a region");
    CHECK(region.protection() == Prot::all);
}

TEST_CASE("a moved-from Region is empty, and a moved-to one closes what it held",
          "[device][library]") {
    const auto before = open_descriptors();
    {
        auto a = ashmem::Region::create("a", 1), b = ashmem::Region::create("b", 1);
        CHECK(open_descriptors() == before + 2);
        a = std::move(b);
        CHECK(open_descriptors() == before + 1);
        CHECK(a.name() == "b");
        CHECK_FALSE(b.ok()); // NOLINT(*-move,*.Move)
        std::error_code ec;
        CHECK(b.size(ec) == 0);
        CHECK(ec == std::errc::bad_file_descriptor);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("adopt and dup refuse what is no region, and leak nothing", "[library][host]") {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const auto before = open_descriptors();
    std::error_code ec;
    CHECK_FALSE(ashmem::Region::dup(null, ec).ok());
    CHECK(ec.value() == ENOTTY);
    CHECK(open_descriptors() == before);
    CHECK_FALSE(ashmem::Region::adopt(ashmem::unique_fd(null), ec).ok());
    CHECK(ec.value() == ENOTTY);
    CHECK(open_descriptors() == before - 1);
    CHECK(thrown_by([] { (void)ashmem::Region::dup(-1); }, "dup") == EBADF);
}

TEST_CASE("a descriptor of a mere path is EBADF, as to the kernel", "[library][anywhere]") {
    const ashmem::unique_fd path(open("/dev/null", O_PATH | O_CLOEXEC));
    std::error_code ec;
    CHECK_FALSE(ashmem::Region::dup(path.get(), ec).ok());
    CHECK(ec.value() == EBADF);
    CHECK(ashmem_pin_region(path.get(), 0, 0) == -1);
    CHECK(errno == EBADF);
}

TEST_CASE("dup shares the region and adopt owns it", "[device][library]") {
    auto region = ashmem::Region::create("shared", page_size());
    auto same = ashmem::Region::dup(region.fd());
    CHECK(same.fd() != region.fd());
    CHECK(fcntl(same.fd(), F_GETFD) == FD_CLOEXEC);
    same.set_protection(Prot::read);
    CHECK(region.protection() == Prot::read);
    auto adopted = ashmem::Region::adopt(same.release());
    CHECK_FALSE(same.ok());
    CHECK(adopted.name() == "shared");
}

TEST_CASE("a Mapping outlives its Region", "[device][library]") {
    auto region = ashmem::Region::create("short-lived", page_size());
    Mapping mapping = region.map(Prot::read_write);
    region = ashmem::Region();
    mapping.bytes()[0] = std::byte{7};
    CHECK(mapping.bytes()[0] == std::byte{7});
    CHECK(mapping.bytes().size() == page_size());
}

TEST_CASE("two Mappings of a Region show the same bytes", "[device][library]") {
    auto region = ashmem::Region::create("twice", 100);
    Mapping writer = region.map(Prot::read_write);
    region.set_protection(Prot::read);
    const Mapping reader = region.map(Prot::read);
    writer.bytes()[99] = std::byte{1};
    CHECK(reader.bytes()[99] == std::byte{1});
    CHECK(reader.bytes().size() == 100);
    CHECK(reader.protection() == Prot::read);
}

TEST_CASE("a Mapping moved over another unmaps that", "[device][library]") {
    auto region = ashmem::Region::create("moved", page_size());
    Mapping a = region.map(Prot::read), b = region.map(Prot::read);
    const auto maps = [] {
        const auto text = test::read_file("/proc/self/maps");
        std::size_t count = 0;
        for (auto at = text.find("/ashmem/moved"); at != std::string::npos;
             at = text.find("/ashmem/moved", at + 1))
            ++count;
        return count;
    };
    const auto before = maps();
    a = std::move(b);
    CHECK(a.ok());
    CHECK_FALSE(b.ok()); // NOLINT(*-move,*.Move)
    // the two may have been one line of maps, if they lay side by side
    CHECK(maps() <= before);
    a.unmap();
    CHECK(maps() == 0);
    CHECK(a.bytes().empty());
}

TEST_CASE("a Mapping is refused where the protection lacks a bit, by both forms",
          "[device][library]") {
    auto region = ashmem::Region::create("narrow", page_size());
    region.set_protection(Prot::read);
    std::error_code ec;
    CHECK_FALSE(region.map(Prot::read_write, ec).ok());
    CHECK(ec.value() == EPERM);
    CHECK(thrown_by([&] { (void)region.map(Prot::read_write); }, "map") == EPERM);
    CHECK(thrown_by([&] { region.set_protection(Prot::all); }, "protection") == EINVAL);
}

TEST_CASE("a Mapping of an impossible range is EINVAL", "[device][library]") {
    auto region = ashmem::Region::create("range", 3 * page_size());
    std::error_code ec;
    CHECK(region.map(Prot::read, page_size(), ashmem::to_end, ec).size() == 2 * page_size());
    CHECK_FALSE(ec);
    for (auto [offset, length] : {std::pair<std::size_t, std::size_t>{0, 0},
                                  {1, 1},
                                  {0, 3 * page_size() + 1},
                                  {3 * page_size(), ashmem::to_end},
                                  {4 * page_size(), ashmem::to_end},
                                  {page_size(), 3 * page_size()},
                                  {~page_size() + 1, 2 * page_size()}}) {
        INFO(offset << ' ' << length);
        CHECK_FALSE(region.map(Prot::read, offset, length, ec).ok());
        CHECK(ec.value() == EINVAL);
    }
}

TEST_CASE("a Mapping is seen as objects that fit it", "[device][library]") {
    auto region = ashmem::Region::create("objects", 4 * sizeof(std::uint64_t) + 4);
    Mapping mapping = region.map(Prot::read_write);
    CHECK(mapping.as<std::uint32_t>().size() == 9);
    std::error_code ec;
    CHECK(mapping.as<std::uint64_t>(ec).empty());
    CHECK(ec.value() == EINVAL);
    CHECK(mapping.as<std::uint32_t>(ec).size() == 9);
    CHECK_FALSE(ec);
    mapping.as<std::uint32_t>()[8] = 0x01010101;
    CHECK(mapping.bytes()[35] == std::byte{1});
}

TEST_CASE("a Mapping is no objects that want more alignment than it has", "[library][anywhere]") {
    struct alignas(1 << 20) Large {
        std::byte first;
    };
    const auto region = ashmem::Region::create("objects", sizeof(Large));
    const auto more = ashmem::Region::create("more", sizeof(Large) + 1);
    // a map between two others moves the next one, and is too large for most gaps
    std::vector<Mapping> maps;
    do {
        maps.push_back(more.map(Prot::read));
        maps.push_back(region.map(Prot::read));
    } while (reinterpret_cast<std::uintptr_t>(maps.back().bytes().data()) % alignof(Large) == 0 &&
             maps.size() < 64);
    std::error_code ec;
    CHECK(maps.back().as<Large>(ec).empty());
    CHECK(ec.value() == EINVAL);
}

TEST_CASE("a Region pins, unpins and tells", "[device][library]") {
    auto region = ashmem::Region::create("pins", 2 * page_size());
    std::error_code ec;
    region.unpin(ec);
    CHECK(ec.value() == EINVAL); // never mapped
    Mapping mapping = region.map(Prot::read_write);
    CHECK(region.pinned());
    region.unpin(page_size(), page_size());
    CHECK_FALSE(region.pinned());
    CHECK(region.pinned(0, page_size()));
    CHECK(region.pin() == PinResult::not_purged);
    region.unpin();
    REQUIRE(ashmem_purge_all_caches(region.fd()) == 2);
    CHECK(region.pin() == PinResult::was_purged);
    CHECK(thrown_by([&] { (void)region.pin(1, 0); }, "pin") == EINVAL);
}

TEST_CASE("rights are joined, shared and left out as sets are", "[library][host]") {
    for (int first = 0; first < 8; ++first)
        for (int second = 0; second < 8; ++second) {
            const auto a = static_cast<Prot>(first), b = static_cast<Prot>(second);
            Prot joined = a, shared = a;
            joined |= b;
            shared &= b;
            for (const Prot right : {Prot::read, Prot::write, Prot::exec}) {
                const bool in_a = includes(a, right), in_b = includes(b, right);
                CHECK(includes(joined, right) == (in_a || in_b));
                CHECK(includes(shared, right) == (in_a && in_b));
                CHECK(includes(~a, right) == !in_a);
            }
            CHECK(includes(Prot::all, ~a));
        }
}

TEST_CASE("what is asked of no Region is EBADF", "[library][host]") {
    ashmem::Region none;
    Mapping nothing;
    std::error_code ec;
    CHECK_FALSE(none.pinned(ec));
    CHECK(ec == std::errc::bad_file_descriptor);
    CHECK(thrown_by([&] { none.unpin(); }, "unpin") == EBADF);
    CHECK(thrown_by([&] { (void)none.pinned(); }, "pinned") == EBADF);
    CHECK(thrown_by([&] { (void)none.name(); }, "name") == EBADF);
    CHECK(thrown_by([&] { nothing.unmap(); }, "unmap") == 0);
}

TEST_CASE("a Region that is assigned to itself stays", "[library][anywhere]") {
    auto region = ashmem::Region::create("itself", page_size());
    auto& same = region;
    region = std::move(same);
    CHECK(region.size() == page_size());
    auto fd = region.release();
    fd.reset(fd.get());
    CHECK(fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("creation without a device is an error of both forms", "[library][host]") {
    if (access("/dev/ashmem", F_OK) == 0) {
        CHECK(ashmem::Region::create("x", 1).ok());
        return;
    }
    const test::Backend device("device");
    std::error_code ec;
    CHECK_FALSE(ashmem::Region::create("x", 1, ec).ok());
    CHECK(ec == std::errc::no_such_file_or_directory);
    CHECK(thrown_by([] { (void)ashmem::Region::create("x", 1); }, "create") == ENOENT);
}

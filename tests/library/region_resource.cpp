// SPDX-License-Identifier: Apache-2.0
// RegionResource: containers in a region, read by another process at the same address, and
// what is refused.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ashmem/ashmem.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <memory_resource>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "support/region.hpp"

using ashmem::Prot;
using ashmem::Region;
using ashmem::RegionResource;
using test::page_size;

namespace {

using Allocator = std::pmr::polymorphic_allocator<>;
using Table = std::pmr::map<std::pmr::string, std::pmr::vector<int>, std::less<>>;

constexpr std::size_t kib = 1024;
constexpr int rows = 100;

// Too long for the few bytes that a string has within itself, but for the first ones.
std::string name_of(int row) {
    return std::to_string(row) + std::string(static_cast<std::size_t>(row), 'x');
}

Table& make_table(std::pmr::memory_resource& resource) {
    auto* const table = Allocator(&resource).new_object<Table>();
    for (int row = 0; row < rows; ++row)
        table->emplace(name_of(row), std::initializer_list<int>{row, 2 * row, 3 * row});
    return *table;
}

bool is_right(const Table& table) {
    if (table.size() != rows) return false;
    for (int row = 0; row < rows; ++row) {
        const auto found = table.find(std::string_view(name_of(row)));
        if (found == table.end()) return false;
        if (!std::ranges::equal(found->second, std::array{row, 2 * row, 3 * row})) return false;
    }
    return true;
}

int attach_error(const Region& region, Prot protection = Prot::read) {
    std::error_code ec;
    return RegionResource::attach(region, protection, ec) != nullptr ? 0 : ec.value();
}

int create_error(const Region& region, void* address = nullptr) {
    std::error_code ec;
    return RegionResource::create(region, address, ec) != nullptr ? 0 : ec.value();
}

} // namespace

TEST_CASE("another process reads the containers of a RegionResource where they are",
          "[library][anywhere]") {
    // It exists before the region does, and has nothing of it but the descriptor.
    auto ends = ashmem::Channel::pair();
    test::Child reader([&] {
        alarm(100);
        ends.first = ashmem::Channel();
        const auto message = ends.second.receive();
        const auto resource = RegionResource::attach(message.regions.at(0));
        if (!resource->has_its_address()) return 1;
        const auto& table = resource->find<Table>();
        if (!is_right(table)) return 2;
        const Table copy = table; // in this process's own memory
        return is_right(copy) ? 0 : 3;
    });
    ends.second = ashmem::Channel();
    auto regions = std::array{Region::create("table", 256 * kib)};
    const auto resource = RegionResource::create(regions[0]);
    resource->publish(make_table(*resource));
    regions[0].set_protection(Prot::read);
    ends.first.send({}, regions);
    CHECK(reader.wait() == 0);
}

TEST_CASE("a RegionResource attached again has its address and finds the root",
          "[library][anywhere]") {
    const auto region = Region::create("table", 256 * kib);
    const void* address = nullptr;
    std::size_t used = 0;
    {
        const auto resource = RegionResource::create(region);
        std::error_code ec;
        CHECK(resource->find<Table>(ec) == nullptr);
        CHECK(ec.value() == EAGAIN);
        CHECK_THROWS_AS(resource->find<Table>(), std::system_error);
        resource->publish(make_table(*resource));
        address = resource->address();
        used = resource->used();
        CHECK(attach_error(region) == EEXIST); // the address is in use
    }
    const auto resource = RegionResource::attach(region);
    CHECK(resource->address() == address);
    CHECK(resource->used() == used);
    CHECK(resource->size() == 256 * kib);
    CHECK(is_right(resource->find<Table>()));
    std::error_code ec;
    CHECK(resource->find<std::array<char, 3>>(ec) == nullptr);
    CHECK(ec.value() == EPROTO);
}

TEST_CASE("at another address a RegionResource is read by offsets", "[library][anywhere]") {
    struct Node {
        std::uint64_t next;
        int number;
    };
    const auto region = Region::create("list", 16 * kib);
    const auto writer = RegionResource::create(region);
    Node* head = nullptr;
    for (int i = 0; i < 10; ++i)
        head = new (writer->allocate(sizeof(Node), alignof(Node))) Node{writer->offset_of(head), i};
    writer->publish(*head);

    const auto reader = RegionResource::attach_anywhere(region);
    CHECK(reader->address() != writer->address());
    CHECK_FALSE(reader->has_its_address());
    std::error_code ec;
    CHECK(reader->find<Node>(ec) == nullptr);
    CHECK(ec.value() == ENOTSUP);
    int expected = 10;
    for (const auto* node = reader->at<const Node>(reader->root()); node != nullptr;
         node = reader->at<const Node>(node->next))
        CHECK(node->number == --expected);
    CHECK(expected == 0);
}

TEST_CASE("an offset beyond what a RegionResource allocated is nowhere", "[library][anywhere]") {
    const auto region = Region::create("offsets", 16 * kib);
    const auto resource = RegionResource::create(region);
    auto* const words = static_cast<std::uint64_t*>(resource->allocate(32, 8));
    const auto offset = resource->offset_of(words);
    CHECK(resource->at<std::uint64_t>(offset, 4) == words);
    CHECK(resource->at<std::uint64_t>(offset, 5) == nullptr);
    CHECK(resource->at<std::uint64_t>(offset, static_cast<std::size_t>(-1)) == nullptr);
    CHECK(resource->at<std::uint64_t>(offset + 2) == nullptr);
    CHECK(resource->at<std::uint64_t>(offset + 32) == nullptr);
    CHECK(resource->at<char>(0) == nullptr);
    CHECK(resource->at<char>(RegionResource::header_size - 1) == nullptr);
    CHECK(resource->at<char>(static_cast<std::uint64_t>(-1)) == nullptr);
    CHECK(resource->offset_of(nullptr) == 0);
    CHECK(resource->offset_of(&region) == 0);
    std::error_code ec;
    resource->publish(region, ec);
    CHECK(ec.value() == EINVAL);
    resource->publish(*reinterpret_cast<std::array<char, 33>*>(words), ec);
    CHECK(ec.value() == EINVAL);
}

TEST_CASE("a RegionResource that is full throws bad_alloc and stays usable",
          "[library][anywhere]") {
    const auto region = Region::create("full", 4 * kib);
    const auto resource = RegionResource::create(region);
    (void)resource->allocate(1, 1);
    CHECK_THROWS_AS(resource->allocate(4 * kib), std::bad_alloc);
    // where compilers cannot see it and refuse
    const volatile auto nearly_all = static_cast<std::size_t>(-64);
    CHECK_THROWS_AS(resource->allocate(nearly_all, 1), std::bad_alloc);
    const std::size_t rest = resource->size() - resource->used();
    void* const last = resource->allocate(rest, 1);
    CHECK(resource->used() == resource->size());
    CHECK_THROWS_AS(resource->allocate(1, 1), std::bad_alloc);
    std::error_code ec;
    resource->publish(*static_cast<char*>(last), ec);
    CHECK(ec.value() == ENOMEM);
    resource->deallocate(last, rest, 1);
    CHECK(resource->allocate(rest, 1) == last); // the last one is used again
}

TEST_CASE("allocations of a RegionResource are aligned as asked for", "[library][anywhere]") {
    const auto region = Region::create("aligned", kib * kib);
    const auto resource = RegionResource::create(region);
    for (std::size_t alignment = 1; alignment <= 4 * page_size() && alignment <= 64 * kib;
         alignment *= 2) {
        (void)resource->allocate(1, 1);
        const auto at = reinterpret_cast<std::uintptr_t>(resource->allocate(alignment, alignment));
        CHECK(at % alignment == 0);
    }
    CHECK(resource->allocate(0, 1) != resource->allocate(0, 1));
}

TEST_CASE("a pool over a RegionResource uses memory again", "[library][anywhere]") {
    const auto region = Region::create("pool", 256 * kib);
    const auto resource = RegionResource::create(region);
    std::pmr::unsynchronized_pool_resource pool(resource.get());
    for (int round = 0; round < 1000; ++round) {
        std::pmr::vector<std::array<char, kib>> much(4, &pool);
        REQUIRE(resource->offset_of(much.data()) != 0);
    }
    CHECK(resource->used() <= 128 * kib);
}

TEST_CASE("a RegionResource for reading allocates and publishes nothing", "[library][anywhere]") {
    const auto region = Region::create("table", 256 * kib);
    {
        const auto resource = RegionResource::create(region);
        resource->publish(make_table(*resource));
    }
    const auto resource = RegionResource::attach(region);
    CHECK_THROWS_AS(resource->allocate(1), std::bad_alloc);
    std::error_code ec;
    resource->publish(resource->find<Table>(), ec);
    CHECK(ec.value() == EACCES);
    CHECK_THROWS_AS(resource->publish(resource->find<Table>()), std::system_error);
    const std::size_t used = resource->used();
    resource->deallocate(const_cast<Table*>(&resource->find<Table>()), sizeof(Table));
    CHECK(resource->used() == used);
}

TEST_CASE("a place outside of a RegionResource's bytes has no offset", "[library][anywhere]") {
    const auto resource = RegionResource::create(Region::create("bounds", 16 * kib));
    const auto* const bytes = static_cast<const std::byte*>(resource->address());
    CHECK(resource->offset_of(bytes + RegionResource::header_size - 1) == 0);
    CHECK(resource->offset_of(bytes + RegionResource::header_size) == RegionResource::header_size);
    CHECK(resource->offset_of(bytes + 16 * kib - 1) == 16 * kib - 1);
    CHECK(resource->offset_of(bytes + 16 * kib) == 0);
}

TEST_CASE("what can't be a RegionResource is refused", "[library][anywhere]") {
    CHECK(create_error(Region()) == EBADF);
    CHECK(create_error(Region::create("small", RegionResource::header_size)) == EINVAL);
    CHECK(attach_error(Region()) == EBADF);
    CHECK(attach_error(Region::create("small", RegionResource::header_size)) == EPROTO);
    const auto region = Region::create("region", 16 * kib);
    CHECK(attach_error(region) == EAGAIN);
    CHECK(create_error(region, reinterpret_cast<void*>(page_size() + 1)) == EINVAL);
    const auto mine = region.map(Prot::read);
    CHECK(create_error(region, const_cast<std::byte*>(mine.bytes().data())) == EEXIST);
    CHECK(attach_error(region) == EAGAIN);
    CHECK(create_error(region) == 0);
    CHECK(create_error(region) == EEXIST);
    CHECK(attach_error(region, Prot::none) == EINVAL);
    CHECK(attach_error(region, Prot::write) == EINVAL);
    CHECK(attach_error(region) == 0);

    auto other = Region::create("other", 16 * kib);
    auto mapping = other.map(Prot::read_write);
    std::ranges::fill(mapping.bytes(), std::byte{0x5a});
    CHECK(attach_error(other) == EPROTO);
    other.set_protection(Prot::read);
    CHECK(create_error(other) == EPERM);
    CHECK_THROWS_AS(RegionResource::attach(other), std::system_error);
    CHECK_THROWS_AS(RegionResource::attach_anywhere(other), std::system_error);
    CHECK_THROWS_AS(RegionResource::create(other), std::system_error);
}

TEST_CASE("a header that lies makes no RegionResource and leads to no root",
          "[library][anywhere]") {
    // the state, padded to a word, then: address, size, bytes used, offset of the root
    enum Word : std::size_t { state, address, size, used, root };
    const auto region = Region::create("lies", 16 * kib);
    auto mapping = region.map(Prot::read_write);
    const auto words = mapping.as<std::size_t>();
    const auto resource = RegionResource::create(region);
    resource->publish(*Allocator(resource.get()).new_object<int>(7));
    const auto with = [&](Word word, std::size_t lie, auto ask) {
        const std::size_t truth = std::exchange(words[word], lie);
        const int error = ask();
        words[word] = truth;
        return error;
    };
    const auto attaching = [&] { return attach_error(region); };
    CHECK(with(state, 1, attaching) == EAGAIN); // in the making
    CHECK(with(state, 2, attaching) == EPROTO);
    CHECK(with(address, 0, attaching) == EPROTO);
    CHECK(with(address, page_size() + 1, attaching) == EPROTO);
    CHECK(with(size, 16 * kib - 1, attaching) == EPROTO);
    std::error_code ec;
    const auto finding = [&] {
        (void)resource->find<int>(ec);
        return ec.value();
    };
    const auto locating = [&] {
        (void)resource->root(ec);
        return ec.value();
    };
    CHECK(with(address, page_size(), finding) == ENOTSUP);
    for (const std::size_t lie : {std::size_t{1}, 16 * kib, ~std::size_t{0}}) {
        CHECK(with(root, lie, finding) == EPROTO);
        CHECK(with(root, lie, locating) == EAGAIN);
    }
    CHECK(with(root, 0, locating) == EAGAIN);
    // how much is used decides only where the next allocation is, within the region
    for (const std::size_t lie : {16 * kib, ~std::size_t{0}, ~std::size_t{0} - 64})
        CHECK(with(used, lie, [&] {
                  CHECK_THROWS_AS(resource->allocate(64), std::bad_alloc);
                  CHECK(resource->used() <= 16 * kib);
                  return 0;
              }) == 0);
    CHECK(finding() == 0);
}

TEST_CASE("each RegionResource is equal to itself alone", "[library][anywhere]") {
    const auto region = Region::create("equal", 16 * kib);
    const auto creator = RegionResource::create(region);
    const auto other = RegionResource::attach_anywhere(region);
    CHECK(creator->is_equal(*creator));
    CHECK_FALSE(creator->is_equal(*other));
}

TEST_CASE("an allocation of no bytes has a place of its own, and gives it back",
          "[library][anywhere]") {
    const auto region = Region::create("nothing", 16 * kib);
    const auto resource = RegionResource::create(region);
    const std::size_t before = resource->used();
    void* const first = resource->allocate(0, 1);
    void* const second = resource->allocate(0, 1);
    CHECK(first != second);
    resource->deallocate(second, 0, 1);
    resource->deallocate(first, 0, 1);
    CHECK(resource->used() == before);
}

TEST_CASE("a RegionResource takes the address that both agreed on", "[library][anywhere]") {
    const auto region = Region::create("fixed", 16 * kib);
    // an address that is free: something was there until now
    void* const free = mmap(nullptr, 16 * kib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(free != MAP_FAILED);
    REQUIRE(munmap(free, 16 * kib) == 0);
    CHECK(RegionResource::create(region, free)->address() == free);
    CHECK(RegionResource::attach(region)->address() == free);
}

TEST_CASE("threads and processes allocate from a RegionResource at once", "[library][anywhere]") {
    const auto region = Region::create("shared", 1024 * kib);
    const auto resource = RegionResource::create(region);
    const auto allocate = [&](unsigned char mark) {
        std::vector<unsigned char*> all;
        for (int i = 0; i < 500; ++i) {
            all.push_back(static_cast<unsigned char*>(resource->allocate(100, 1)));
            std::memset(all.back(), mark, 100);
        }
        return std::ranges::all_of(all, [&](const unsigned char* bytes) {
            return std::all_of(bytes, bytes + 100, [&](auto byte) { return byte == mark; });
        });
    };
    test::Child child([&] { return allocate(1) ? 0 : 1; });
    bool well = true;
    std::thread thread([&] { well = allocate(2); });
    CHECK(allocate(3));
    thread.join();
    CHECK(well);
    CHECK(child.wait() == 0);
    CHECK(resource->used() == RegionResource::header_size + std::size_t{3} * 500 * 100);
}

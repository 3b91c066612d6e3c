// SPDX-License-Identifier: Apache-2.0
// Copies of bytes that others may be changing.
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

TEST_CASE("copy_out copies any range, and only that", "[library][anywhere]") {
    const auto region = ashmem::Region::create("snapshot", 64);
    auto mapping = region.map(ashmem::Prot::read_write);
    for (std::size_t i = 0; i < 64; ++i)
        mapping.bytes()[i] = static_cast<std::byte>(i);
    for (std::size_t offset = 0; offset <= 64; ++offset)
        for (std::size_t size = 0; size <= 64 - offset; ++size) {
            std::vector<std::byte> copy(size + 1, std::byte{0xee});
            ashmem::copy_out(mapping.bytes(), offset, std::span(copy).first(size));
            bool same = copy[size] == std::byte{0xee};
            for (std::size_t i = 0; i < size; ++i)
                same = same && copy[i] == static_cast<std::byte>(offset + i);
            if (!same) FAIL("at " << offset << ", " << size << " bytes");
        }
    CHECK(ashmem::snapshot<std::uint16_t>(mapping.bytes(), 62) ==
          std::bit_cast<std::uint16_t>(std::array<std::uint8_t, 2>{62, 63}));
}

TEST_CASE("what does not lie within is EINVAL, and nothing is copied", "[library][anywhere]") {
    const auto region = ashmem::Region::create("snapshot", 64);
    const auto mapping = region.map(ashmem::Prot::read);
    std::byte to[4] = {std::byte{7}, std::byte{7}, std::byte{7}, std::byte{7}};
    for (const std::size_t offset : {std::size_t{61}, std::size_t{65}, SIZE_MAX, SIZE_MAX - 3}) {
        std::error_code ec;
        ashmem::copy_out(mapping.bytes(), offset, to, ec);
        CHECK(ec.value() == EINVAL);
        CHECK(to[0] == std::byte{7});
    }
    CHECK_THROWS_AS(ashmem::snapshot<std::uint64_t>(mapping.bytes(), 60), std::system_error);
}

TEST_CASE("a snapshot of an aligned word is one that was there", "[library][anywhere]") {
    const auto region = ashmem::Region::create("snapshot", sizeof(std::uintptr_t));
    auto mapping = region.map(ashmem::Prot::read_write);
    auto& shared = mapping.as<std::uintptr_t>()[0];
    std::atomic<bool> done{false};
    std::thread writer([&] {
        const std::atomic_ref<std::uintptr_t> word(shared);
        while (!done)
            word.store(~word.load(std::memory_order_relaxed), std::memory_order_relaxed);
    });
    int torn = 0;
    for (int i = 0; i < 100000; ++i) {
        const auto seen = ashmem::snapshot<std::uintptr_t>(mapping.bytes());
        if (seen != 0 && seen != ~std::uintptr_t{0}) ++torn;
    }
    done = true;
    writer.join();
    CHECK(torn == 0);
}

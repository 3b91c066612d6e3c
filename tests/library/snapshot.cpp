// SPDX-License-Identifier: Apache-2.0
// Copies of bytes that others may be changing.
#include <algorithm>
#include <ashmem/ashmem.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "support/process.hpp"

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

TEST_CASE("copy_out copies many bytes, from anywhere to anywhere", "[library][anywhere]") {
    constexpr std::size_t whole = 20000;
    const auto region = ashmem::Region::create("snapshot", whole);
    auto mapping = region.map(ashmem::Prot::read_write);
    const auto byte_at = [](std::size_t at) { return static_cast<std::byte>(at * 7 + at / 251); };
    for (std::size_t i = 0; i < whole; ++i)
        mapping.bytes()[i] = byte_at(i);
    std::vector<std::byte> copy(whole + 64);
    for (const std::size_t size : {100, 511, 512, 575, 640, 1000, 4096, 4229, 16383})
        for (std::size_t from = 0; from < 9; ++from)
            for (std::size_t to = 1; to < 64; to += 9) {
                std::ranges::fill(copy, std::byte{0xee});
                ashmem::copy_out(mapping.bytes(), from, std::span(copy).subspan(to, size));
                bool same = copy[to - 1] == std::byte{0xee} && copy[to + size] == std::byte{0xee};
                for (std::size_t i = 0; i < size; ++i)
                    same = same && copy[to + i] == byte_at(from + i);
                if (!same) FAIL(size << " bytes from " << from << " to " << to);
            }
    CHECK(copy[0] == std::byte{0xee});
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

// Under ThreadSanitizer a copy by plain loads is a race.
TEST_CASE("bytes are copied while another thread writes them, words as a whole",
          "[library][anywhere]") {
    constexpr std::size_t count = 8192 / sizeof(std::uintptr_t);
    const auto region = ashmem::Region::create("snapshot", count * sizeof(std::uintptr_t));
    auto mapping = region.map(ashmem::Prot::read_write);
    const auto shared = mapping.as<std::uintptr_t>();
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (std::uintptr_t value = 0; !done; value = ~value)
            for (auto& word : shared)
                std::atomic_ref(word).store(value, std::memory_order_relaxed);
    });
    std::size_t torn = 0;
    for (const std::size_t words : {std::size_t{3}, std::size_t{16}, count / 4, count}) {
        std::vector<std::uintptr_t> copy(words);
        for (int i = 0; i < test::rounds(2000); ++i) {
            ashmem::copy_out(mapping.bytes(), 0, std::as_writable_bytes(std::span(copy)));
            for (const auto word : copy)
                if (word != 0 && word != ~std::uintptr_t{0}) ++torn;
        }
    }
    done = true;
    writer.join();
    CHECK(torn == 0);
}

TEST_CASE("a bool and an enumeration are sound whatever a peer wrote", "[library][anywhere]") {
    enum class Small : std::uint8_t { one = 1 };
    enum class Flag : bool { off, on };
    const auto region = ashmem::Region::create("snapshot", 64);
    auto mapping = region.map(ashmem::Prot::read_write);
    mapping.bytes()[0] = std::byte{7};
    const bool seven = ashmem::snapshot<bool>(mapping.bytes());
    CHECK(int{seven} == 1);
    CHECK(seven == true);
    CHECK_FALSE(ashmem::snapshot<bool>(mapping.bytes(), 1));
    CHECK(static_cast<int>(ashmem::snapshot<Small>(mapping.bytes())) == 7);
    CHECK(ashmem::snapshot<Flag>(mapping.bytes()) == Flag::on);
    CHECK(ashmem::snapshot<std::byte>(mapping.bytes()) == std::byte{7});
    enum Any { zero, one };
    STATIC_REQUIRE(ashmem::FixedEnum<Small>);
    STATIC_REQUIRE_FALSE(ashmem::FixedEnum<Any>);
}

namespace {

template <class M>
concept GivesBytes = requires(M&& mapping) {
    std::forward<M>(mapping).bytes();
};
template <class M>
concept GivesObjects = requires(M&& mapping) {
    std::forward<M>(mapping).template as<int>();
};

} // namespace

TEST_CASE("a Mapping that ends with the expression gives no bytes", "[library][host]") {
    using ashmem::Mapping;
    STATIC_REQUIRE(GivesBytes<Mapping&>);
    STATIC_REQUIRE(GivesBytes<const Mapping&>);
    STATIC_REQUIRE_FALSE(GivesBytes<Mapping>);
    STATIC_REQUIRE_FALSE(GivesBytes<const Mapping>);
    STATIC_REQUIRE(GivesObjects<Mapping&>);
    STATIC_REQUIRE(GivesObjects<const Mapping&>);
    STATIC_REQUIRE_FALSE(GivesObjects<Mapping>);
    STATIC_REQUIRE_FALSE(GivesObjects<const Mapping>);
}

// SPDX-License-Identifier: Apache-2.0
// Binder's messages as bytes: what goes out has libbinder's form, and what comes in is
// checked before it is believed.
#include <linux/android/binder.h>

#include <array>
#include <ashmem/binder/parcel.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <span>
#include <vector>

#include "../libashmem/src/binder/memory_wire.hpp"
#include "../libashmem/src/binder/message_wire.hpp"
#include "../libashmem/src/binder/protocol.hpp"

using ashmem::binder::Parcel;
using ashmem::binder::Reader;

namespace {

constexpr std::size_t page = 4096;

Reader reader_of(const Parcel& parcel) {
    return Reader(parcel.data(), parcel.offsets());
}

Parcel window(std::int64_t offset, std::uint64_t size) {
    Parcel parcel;
    parcel.i64(offset);
    parcel.u64(size);
    return parcel;
}

bool window_fits(std::int64_t offset, std::uint64_t size, std::size_t whole) {
    const Parcel parcel = window(offset, size);
    Reader reader = reader_of(parcel);
    return ashmem::binder::wire::window(reader, whole).has_value();
}

bool heap_fits(std::uint64_t size, std::int64_t offset, std::uint64_t available) {
    Parcel parcel;
    parcel.u64(size);
    parcel.i64(offset);
    parcel.u32(0);
    Reader reader = reader_of(parcel);
    return ashmem::binder::wire::heap(reader, available, page).has_value();
}

} // namespace

TEST_CASE("a parcel gives back what was put in", "[library][host]") {
    Parcel parcel;
    parcel.token(u"an.Interface");
    parcel.i32(-1);
    parcel.u64(UINT64_MAX - 1);
    parcel.string16(u"");
    parcel.string16(u"four");
    parcel.i64(INT64_MIN);
    Reader reader = reader_of(parcel);
    CHECK(reader.token(u"an.Interface"));
    CHECK(reader.i32() == -1);
    CHECK(reader.u64() == UINT64_MAX - 1);
    CHECK(reader.string16().empty());
    CHECK(reader.string16() == u"four");
    CHECK(reader.i64() == INT64_MIN);
    CHECK(reader.ok());
    CHECK(reader.left() == 0);
}

TEST_CASE("a string of length -1 is null, which reads as empty", "[library][host]") {
    Parcel parcel;
    parcel.i32(-1);
    parcel.i32(7);
    Reader reader = reader_of(parcel);
    CHECK(reader.string16().empty());
    CHECK(reader.ok());
    CHECK(reader.i32() == 7);
}

TEST_CASE("a string longer than its length can tell is refused", "[library][host]") {
    const char16_t nothing = 0;
    const std::u16string_view endless(&nothing, std::size_t{1} << 31);
    if constexpr (sizeof(std::size_t) > sizeof(std::int32_t))
        CHECK_THROWS_AS(Parcel().string16(endless), std::length_error);
}

TEST_CASE("a call begins as libbinder's: policy, work source, SYST, name", "[library][host]") {
    Parcel parcel;
    parcel.token(u"ab");
    const std::int32_t words[] = {0, -1, 0x53595354, 2, 'a' | 'b' << 16, 0};
    REQUIRE(parcel.data().size() == sizeof(words));
    CHECK(std::memcmp(parcel.data().data(), words, sizeof(words)) == 0);
}

TEST_CASE("a descriptor in a parcel is a duplicate, where the offsets say", "[library][host]") {
    Parcel parcel;
    parcel.i32(7);
    parcel.fd(1);
    REQUIRE(parcel.offsets().size() == 1);
    CHECK(parcel.offsets()[0] == 4);
    binder_fd_object object{};
    std::memcpy(&object, parcel.data().data() + 4, sizeof(object));
    CHECK(object.hdr.type == BINDER_TYPE_FD);
    CHECK(object.fd > 2);
    CHECK_THROWS_AS(parcel.fd(-1), std::system_error);
    CHECK(parcel.offsets().size() == 1);
}

TEST_CASE("null in a parcel is null to a reader, and no object", "[library][host]") {
    Parcel parcel;
    parcel.object({});
    CHECK(parcel.offsets().empty());
    Reader reader = reader_of(parcel);
    CHECK(!reader.object().has_value());
    CHECK(reader.ok());
    CHECK(reader.left() == 0);
}

TEST_CASE("what does not lie in a message's data reads as zero", "[library][host]") {
    using ashmem::binder::wire::read_at;
    std::array<std::byte, 8> data{};
    data.fill(std::byte{0xff});
    CHECK(read_at<std::uint32_t>(data, 4) == UINT32_MAX);
    for (const std::uint64_t at :
         {std::uint64_t{5}, std::uint64_t{8}, std::uint64_t{9}, UINT64_MAX})
        CHECK(read_at<std::uint32_t>(data, at) == 0);
}

TEST_CASE("a parcel that was moved is empty, and may be written again", "[library][host]") {
    Parcel parcel;
    CHECK(parcel.data().empty());
    parcel.i32(1);
    parcel.fd(1);
    Parcel moved(std::move(parcel));
    CHECK(moved.offsets().size() == 1);
    // NOLINTBEGIN(*-move,*.Move): it may, which is the claim
    CHECK(parcel.data().empty());
    CHECK(parcel.offsets().empty());
    CHECK(parcel.references().empty());
    parcel.i32(2);
    moved = std::move(parcel);
    // NOLINTEND(*-move,*.Move)
    CHECK(reader_of(moved).i32() == 2);
    CHECK(moved.offsets().empty());
}

TEST_CASE("nothing is read beyond the end, and nothing after that", "[library][host]") {
    Parcel parcel;
    parcel.i32(1);
    Reader reader = reader_of(parcel);
    CHECK(reader.i64() == 0);
    CHECK(!reader.ok());
    CHECK(reader.i32() == 0);
    Reader empty({}, {});
    CHECK(empty.string16().empty());
    CHECK(!empty.ok());
}

TEST_CASE("a string that is longer than the bytes is refused", "[library][host]") {
    for (const std::int32_t length : {2, 3, 1 << 30, INT32_MAX, -2, INT32_MIN}) {
        Parcel parcel;
        parcel.i32(length);
        parcel.i32('a');
        Reader reader = reader_of(parcel);
        CHECK(reader.string16().empty());
        CHECK(!reader.ok());
    }
    Parcel endless;
    endless.i32(1);
    endless.i32('a' | 'b' << 16);
    Reader reader = reader_of(endless);
    CHECK(reader.string16().empty());
    CHECK(!reader.ok());
}

TEST_CASE("what only looks like a descriptor or an object is none", "[library][host]") {
    Parcel real;
    real.fd(1);
    CHECK(reader_of(real).fd().has_value());
    Reader likeness(real.data(), {});
    CHECK(!likeness.fd().has_value());
    CHECK(!likeness.ok());
    const std::array<std::uint64_t, 1> elsewhere{4};
    CHECK(!Reader(real.data(), elsewhere).fd().has_value());

    std::array<std::byte, sizeof(flat_binder_object) + 4> bytes{};
    flat_binder_object handle{};
    handle.hdr.type = BINDER_TYPE_HANDLE;
    handle.handle = 1;
    std::memcpy(bytes.data(), &handle, sizeof(handle));
    CHECK(!Reader(bytes, {}).object().has_value());
    const std::array<std::uint64_t, 1> here{0};
    const auto found = Reader(bytes, here).object();
    REQUIRE(found.has_value());
    CHECK(found->value == 1);
    Reader cut(std::span<const std::byte>(bytes).first(sizeof(handle)),
               here); // without its stability
    CHECK(!cut.object().has_value());
    CHECK(!cut.ok());
    CHECK(!Reader(bytes, here).fd().has_value());

    real.i32(0); // as an object's stability
    Reader other = reader_of(real);
    CHECK(!other.object().has_value());
    CHECK(!other.ok());
}

TEST_CASE("a call for another interface is told", "[library][host]") {
    Parcel parcel;
    parcel.token(u"one");
    Reader reader = reader_of(parcel);
    CHECK(!reader.token(u"other"));
    CHECK(!reader.ok());
    CHECK(!Reader({}, {}).token(u""));
}

TEST_CASE("a window from the wire lies within its heap or is refused", "[library][host]") {
    CHECK(window_fits(0, page, page));
    CHECK(window_fits(100, 0, 100));
    CHECK(!window_fits(-1, 1, page));
    CHECK(!window_fits(INT64_MIN, 1, page));
    CHECK(!window_fits(1, page, page));
    CHECK(!window_fits(static_cast<std::int64_t>(page) + 1, 0, page));
    CHECK(!window_fits(8, UINT64_MAX - 4, page));
    CHECK(!window_fits(INT64_MAX, UINT64_MAX, page));
    Parcel half;
    half.i64(0);
    Reader reader = reader_of(half);
    CHECK(!ashmem::binder::wire::window(reader, page).has_value());
}

TEST_CASE("a heap from the wire lies within its descriptor or is refused", "[library][host]") {
    CHECK(heap_fits(page, 0, page));
    // a region's last page is whole
    CHECK(heap_fits(page, 0, 1));
    CHECK(heap_fits(page, static_cast<std::int64_t>(page), 2 * page));
    CHECK(!heap_fits(0, 0, page));
    CHECK(!heap_fits(page + 1, 0, page));
    CHECK(!heap_fits(page, 1, 2 * page));
    CHECK(!heap_fits(page, -static_cast<std::int64_t>(page), page));
    CHECK(!heap_fits(page, static_cast<std::int64_t>(page), page));
    CHECK(!heap_fits(page, 2 * static_cast<std::int64_t>(page), page));
    CHECK(!heap_fits(UINT64_MAX, static_cast<std::int64_t>(page), UINT64_MAX));
    CHECK(!heap_fits(UINT64_MAX - 8, static_cast<std::int64_t>(page), 2 * page));
    Parcel half;
    half.u64(page);
    half.i64(0);
    Reader reader = reader_of(half);
    CHECK(!ashmem::binder::wire::heap(reader, page, page).has_value());
}

TEST_CASE("an array of descriptors that does not lie within its buffer has none",
          "[library][host]") {
    const std::array numbers{7, 8, 9};
    const std::span<const std::byte> bytes = std::as_bytes(std::span(numbers));
    // a buffer, and an array in it, as the driver hands them over
    struct {
        binder_buffer_object buffer{};
        binder_fd_array_object array{};
    } sent;
    sent.buffer.hdr.type = BINDER_TYPE_PTR;
    sent.buffer.length = bytes.size();
    sent.array.hdr.type = BINDER_TYPE_FDA;
    const std::array<std::uint64_t, 2> places{0, sizeof(sent.buffer)};
    const auto found = [&](std::uint64_t count, std::uint64_t parent, std::uint64_t offset) {
        sent.array.num_fds = count;
        sent.array.parent = parent;
        sent.array.parent_offset = offset;
        std::vector<int> all;
        ashmem::binder::wire::each_descriptor(
            std::as_bytes(std::span(&sent, 1)), places,
            [&](std::uint64_t, std::uint64_t length) {
                return length == bytes.size() ? bytes : std::span<const std::byte>();
            },
            [](std::size_t, int) { FAIL("a single descriptor"); },
            [&](int fd) { all.push_back(fd); });
        return all;
    };
    CHECK(found(3, 0, 0) == std::vector{7, 8, 9});
    CHECK(found(1, 0, 4) == std::vector{8});
    CHECK(found(UINT64_MAX, 0, 4) == std::vector{8, 9});
    CHECK(found(3, 0, 12).empty());
    CHECK(found(3, 0, 13).empty());
    CHECK(found(3, 0, UINT64_MAX).empty());
    CHECK(found(3, 1, 0).empty()); // itself, which is no buffer
    CHECK(found(3, 2, 0).empty());
    CHECK(found(3, UINT64_MAX, 0).empty());
}

TEST_CASE("what ends the wait for a response is told from what comes meanwhile",
          "[library][host]") {
    using ashmem::binder::protocol::is_response;
    for (const std::uint32_t command :
         {std::uint32_t{BR_TRANSACTION_COMPLETE}, std::uint32_t{BR_REPLY},
          std::uint32_t{BR_DEAD_REPLY}, std::uint32_t{BR_FAILED_REPLY},
          std::uint32_t{BR_FROZEN_REPLY}, ashmem::binder::protocol::complete_frozen})
        CHECK(is_response(command));
    for (const std::uint32_t command :
         {std::uint32_t{BR_TRANSACTION}, std::uint32_t{BR_RELEASE}, std::uint32_t{BR_INCREFS},
          std::uint32_t{BR_DEAD_BINDER}, std::uint32_t{BR_NOOP}})
        CHECK_FALSE(is_response(command));
}

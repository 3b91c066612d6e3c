// SPDX-License-Identifier: Apache-2.0
// A Binder message with any bytes and any list of objects, read in any order, and its
// descriptors.
#include <algorithm>
#include <ashmem/binder/parcel.hpp>
#include <cstdlib>
#include <vector>

#include "../../libashmem/src/binder/message_wire.hpp"
#include "input.hpp"

using ashmem::binder::Reader;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    std::vector<std::uint64_t> offsets(input.number<std::uint8_t>() % 8);
    for (auto& offset : offsets)
        offset = input.number<std::uint8_t>() < 16 ? input.number<std::uint64_t>()
                                                   : input.number<std::uint8_t>();
    std::vector<std::uint8_t> order(input.number<std::uint8_t>() % 32);
    for (auto& step : order)
        step = input.number<std::uint8_t>();
    const std::vector<std::byte> bytes(input.rest().begin(), input.rest().end());

    Reader reader(bytes, offsets);
    for (const std::uint8_t step : order) {
        const bool before = reader.ok();
        const std::size_t left = reader.left();
        bool nothing = true;
        switch (step % 7) {
            case 0:
                nothing = reader.i32() == 0;
                break;
            case 1:
                nothing = reader.u64() == 0;
                break;
            case 2:
                nothing = reader.string16().empty();
                break;
            case 3:
                nothing = !reader.fd();
                break;
            case 4:
                nothing = !reader.object();
                break;
            case 5:
                nothing = !reader.token(u"android.utils.IMemory");
                break;
            default:
                nothing = reader.i64() == 0;
                break;
        }
        // after a failure nothing can be read, and nothing is read twice
        if (!before && (!nothing || reader.ok())) abort();
        if (reader.left() > left) abort();
    }
    Reader whole(bytes, offsets);
    while (const auto fd = whole.fd())
        if (std::find(offsets.begin(), offsets.end(), fd->at) == offsets.end()) abort();

    std::uint64_t found = 0;
    ashmem::binder::wire::each_descriptor(
        bytes, offsets,
        [&](std::uint64_t address, std::uint64_t length) {
            return address <= bytes.size() && length <= bytes.size() - address
                       ? std::span<const std::byte>(bytes).subspan(address, length)
                       : std::span<const std::byte>();
        },
        [&](std::size_t at, int) {
            if (at >= bytes.size()) abort();
            ++found;
        },
        [&](int) { ++found; });
    if (found > offsets.size() * (1 + bytes.size() / sizeof(int))) abort();
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Calls of a remote object. thread_state.cpp carries them out.
#include <ashmem/binder/remote.hpp>

#include "../cxx/error.hpp"
#include "process.hpp"

namespace ashmem::binder {

Message Remote::call(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    const auto self = ThreadState::self(*process_, ec);
    return self ? self->transact(handle_, code, in, false, ec) : Message();
}

Message Remote::call(std::uint32_t code, const Parcel& in) {
    return throwing("binder::Remote::call", [&](auto& ec) { return call(code, in, ec); });
}

void Remote::call_one_way(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    if (const auto self = ThreadState::self(*process_, ec))
        (void)self->transact(handle_, code, in, true, ec);
}

void Remote::call_one_way(std::uint32_t code, const Parcel& in) {
    throwing("binder::Remote::call_one_way", [&](auto& ec) { call_one_way(code, in, ec); });
}

} // namespace ashmem::binder

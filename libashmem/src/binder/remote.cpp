// SPDX-License-Identifier: Apache-2.0
// Calls of a remote object. thread_state.cpp carries them out.
#include <ashmem/binder/remote.hpp>

#include "../cxx/error.hpp"
#include "process.hpp"

namespace ashmem::binder {

Message Remote::call(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    return ThreadState::self(*process_).transact(handle_, code, in, false, ec);
}

Message Remote::call(std::uint32_t code, const Parcel& in) {
    return throwing("binder::Remote::call", [&](auto& ec) { return call(code, in, ec); });
}

void Remote::call_one_way(std::uint32_t code, const Parcel& in, std::error_code& ec) {
    (void)ThreadState::self(*process_).transact(handle_, code, in, true, ec);
}

} // namespace ashmem::binder

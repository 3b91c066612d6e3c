// SPDX-License-Identifier: Apache-2.0
// Numbers rather than addresses stand for objects: an address may be another one's soon.
#include <ashmem/binder/object.hpp>

#include <atomic>

namespace ashmem::binder {
namespace {

std::atomic<std::uint64_t> last_number{0};

} // namespace

Object::Object() noexcept : number_(++last_number) {}
Object::~Object() = default;

} // namespace ashmem::binder

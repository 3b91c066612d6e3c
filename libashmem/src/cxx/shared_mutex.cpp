// SPDX-License-Identifier: Apache-2.0
// SharedMutex: a robust, process-shared pthread mutex inside a region.
#include <ashmem/shared_mutex.hpp>

#include <memory>
#include <utility>

#include "error.hpp"

namespace ashmem {
namespace {

// What state_ goes through. The last is no small number, for other data to miss.
constexpr std::uint32_t absent = 0, being_made = 1, ready = 0x6c6f636b;

static_assert(std::atomic<std::uint32_t>::is_always_lock_free,
              "a lock within the atomic would be each process's own");

/** The bytes as a lock that may be there, or null. */
SharedMutex* place(std::span<std::byte> bytes) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if (bytes.size() < sizeof(SharedMutex) || address % alignof(SharedMutex) != 0) return nullptr;
    return reinterpret_cast<SharedMutex*>(bytes.data());
}

int make(pthread_mutex_t* mutex) noexcept {
    pthread_mutexattr_t attributes;
    int error = ::pthread_mutexattr_init(&attributes);
    if (error != 0) return error;
    (void)::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void)::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    (void)::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    error = ::pthread_mutex_init(mutex, &attributes);
    (void)::pthread_mutexattr_destroy(&attributes);
    return error;
}

} // namespace

SharedMutex* SharedMutex::create_in(std::span<std::byte> bytes, std::error_code& ec) noexcept {
    SharedMutex* const mutex = place(bytes);
    std::uint32_t expected = absent;
    if (mutex == nullptr) {
        ec = to_code(EINVAL);
    } else if (!mutex->state_.compare_exchange_strong(expected, being_made)) {
        ec = to_code(EEXIST);
    } else {
        ec = to_code(make(&mutex->mutex_));
        mutex->size_ = sizeof(SharedMutex);
        mutex->state_ = ec ? absent : ready;
    }
    return ec ? nullptr : mutex;
}

SharedMutex& SharedMutex::create_in(std::span<std::byte> bytes) {
    return *throwing("ashmem::SharedMutex::create_in",
                     [&](auto& ec) { return create_in(bytes, ec); });
}

SharedMutex* SharedMutex::attach_in(std::span<std::byte> bytes, std::error_code& ec) noexcept {
    SharedMutex* const mutex = place(bytes);
    const std::uint32_t state = mutex != nullptr ? mutex->state_.load() : absent;
    if (mutex == nullptr)
        ec = to_code(EINVAL);
    else if (state == absent || state == being_made)
        ec = to_code(EAGAIN);
    else if (state != ready || mutex->size_ != sizeof(SharedMutex))
        ec = to_code(EPROTO);
    else
        ec.clear();
    return ec ? nullptr : mutex;
}

SharedMutex& SharedMutex::attach_in(std::span<std::byte> bytes) {
    return *throwing("ashmem::SharedMutex::attach_in",
                     [&](auto& ec) { return attach_in(bytes, ec); });
}

SharedMutex::Lock SharedMutex::taken(int error, std::error_code& ec) noexcept {
    if (error == 0 || error == EOWNERDEAD) {
        ec.clear();
        return {this, error == EOWNERDEAD};
    }
    ec = to_code(error);
    return {};
}

SharedMutex::Lock SharedMutex::lock(std::error_code& ec) noexcept {
    return taken(::pthread_mutex_lock(&mutex_), ec);
}

SharedMutex::Lock SharedMutex::lock() {
    return throwing("ashmem::SharedMutex::lock", [&](auto& ec) { return lock(ec); });
}

SharedMutex::Lock SharedMutex::try_lock(std::error_code& ec) noexcept {
    const int error = ::pthread_mutex_trylock(&mutex_);
    Lock lock = taken(error, ec);
    // Somebody else's turn is an answer, not an error.
    if (error == EBUSY) ec.clear();
    return lock;
}

SharedMutex::Lock SharedMutex::try_lock() {
    return throwing("ashmem::SharedMutex::try_lock", [&](auto& ec) { return try_lock(ec); });
}

SharedMutex::Lock::~Lock() {
    if (mutex_ != nullptr) (void)::pthread_mutex_unlock(&mutex_->mutex_);
}

SharedMutex::Lock::Lock(Lock&& other) noexcept
    : mutex_(std::exchange(other.mutex_, nullptr)), owner_died_(other.owner_died_) {}

void SharedMutex::Lock::make_consistent() noexcept {
    if (mutex_ == nullptr || !owner_died_) return;
    (void)::pthread_mutex_consistent(&mutex_->mutex_);
    owner_died_ = false;
}

} // namespace ashmem

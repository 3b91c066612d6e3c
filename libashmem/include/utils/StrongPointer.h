/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Android's pointer to a counted object.
 */
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

namespace android {

template <typename T>
class sp {
public:
    constexpr sp() noexcept = default;
    constexpr sp(std::nullptr_t) noexcept {} // NOLINT(*-explicit-*): as Android's
    sp(T* other) : pointer_(other) {         // NOLINT(*-explicit-*)
        if (pointer_) pointer_->incStrong(this);
    }
    sp(const sp& other) : sp(other.pointer_) {}
    sp(sp&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
    template <typename U>
        requires std::convertible_to<U*, T*>
    sp(const sp<U>& other) : sp(static_cast<T*>(other.get())) {} // NOLINT(*-explicit-*)
    ~sp() { clear(); }

    /** A new object, held from its first moment on. */
    template <typename... Arguments>
    static sp make(Arguments&&... arguments) {
        return sp(new T(std::forward<Arguments>(arguments)...));
    }
    static sp fromExisting(T* other) { return sp(other); }

    sp& operator=(const sp& other) { // NOLINT(*-self-assignment): by way of a copy
        sp(other).swap(*this);
        return *this;
    }
    sp& operator=(sp&& other) noexcept {
        sp(std::move(other)).swap(*this);
        return *this;
    }

    void clear() {
        if (T* const old = std::exchange(pointer_, nullptr)) old->decStrong(this);
    }
    void swap(sp& other) noexcept { std::swap(pointer_, other.pointer_); }

    [[nodiscard]] T* get() const noexcept { return pointer_; }
    T& operator*() const noexcept { return *pointer_; }
    T* operator->() const noexcept { return pointer_; }
    explicit operator bool() const noexcept { return pointer_ != nullptr; }

    template <typename U>
    bool operator==(const sp<U>& other) const noexcept {
        return pointer_ == other.get();
    }
    bool operator==(const T* other) const noexcept { return pointer_ == other; }
    bool operator==(std::nullptr_t) const noexcept { return pointer_ == nullptr; }

private:
    T* pointer_ = nullptr;
};

} // namespace android

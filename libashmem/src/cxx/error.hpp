// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From errno to std::error_code, and from that to exceptions.
 */
#pragma once

#include <cerrno>
#include <system_error>

namespace ashmem {

[[nodiscard]] inline std::error_code to_code(int error) noexcept {
    return {error, std::generic_category()};
}

/** The outcome of a call that answers -1 and errno on failure. */
template <class Answer>
[[nodiscard]] std::error_code code_of(Answer answer) noexcept {
    return answer < 0 ? to_code(errno) : std::error_code();
}

/**
 * Run the form of an operation that reports through an error_code, and throw
 * what it reports, with the operation's name.
 */
template <class Operation>
auto throwing(const char* name, Operation operation) {
    struct Thrower {
        const char* name;
        std::error_code code = {};
        void check() const {
            if (code) throw std::system_error(code, name);
        }
    } thrower{name};

    if constexpr (std::is_void_v<decltype(operation(thrower.code))>) {
        operation(thrower.code);
        thrower.check();
    } else {
        auto result = operation(thrower.code);
        thrower.check();
        return result;
    }
}

} // namespace ashmem

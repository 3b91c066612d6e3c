// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How the demo programs tell what they did: one line a step.
 *
 * A line that starts with '=' is a fact, `=key value`, from a program to the
 * director who started it; the director keeps it and shows the others.
 */
#pragma once

#include <cstdint>
#include <string>

namespace demo {

/** The teller of one program's part. Prints at once, so that the order holds between programs. */
class Story final {
public:
    explicit Story(const char* who) : who_(who) {}

    /** Tell a step that holds, in printf's manner. */
    void ok(const char* format, ...) __attribute__((format(printf, 2, 3)));

    /** Tell what a step showed, indented below it. */
    void show(const std::string& text) const;

    /** Tell a step that does not hold. */
    void failed(const std::string& step, const std::string& expected, const std::string& seen);

    /** Tell a step by comparing; returns whether it holds. */
    bool expect(const std::string& step, const std::string& expected, const std::string& seen);

    /** expect() for a call that must be refused with one error number. */
    bool expect_refusal(const std::string& step, int expected, bool succeeded, int error);

    /** Hand a fact to the director. */
    static void fact(const char* key, const std::string& value);

    /** Exit status: 0 if every step held, else 1. */
    [[nodiscard]] int status() const { return failures_ == 0 ? 0 : 1; }

private:
    const char* who_;
    int failures_ = 0;
};

/** A number with commas between its thousands. */
[[nodiscard]] std::string commas(std::uint64_t number);

/** An error number by its name for those that the demo meets, else by its text. */
[[nodiscard]] std::string error_name(int error);

} // namespace demo

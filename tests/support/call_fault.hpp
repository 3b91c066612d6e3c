// SPDX-License-Identifier: Apache-2.0
// Makes one system call of a piece of code fail: what fail-nth is for the kernel's allocations
// (faults.hpp), seccomp's user notification is for its calls.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <initializer_list>
#include <new>
#include <string>
#include <system_error>
#include <vector>

namespace test {

// The system call that fails in a piece of code, and how.
class CallFault {
public:
    struct Plan {
        int point;  // which call, counted from 1
        int error;  // its errno
        bool lasts; // it and all after it
    };
    // What is known outside of the process that this happens in.
    struct Record {
        bool hit;
        long number; // of the first call that failed
        bool mapped; // for munmap() failed
        char complaint[200];
    };
    CallFault(const Plan& plan, Record& record) : plan_(plan), record_(record) {}
    CallFault(const CallFault&) = delete;
    CallFault& operator=(const CallFault&) = delete;

    // Runs the code in a thread of its own. It answers an errno or a std::error_code, or throws
    // one: that of the call that failed, or one of these. Returns it; 0 if all went well.
    template <class Code>
    int in(Code code, std::initializer_list<int> also = {}) {
        const int error = run([&] { return error_of(code); });
        check(error, also);
        return error;
    }

private:
    template <class Code>
    static int error_of(Code& code) {
        try {
            if constexpr (requires { code().value(); })
                return code().value();
            else
                return code();
        } catch (const std::system_error& error) {
            return error.code().value();
        } catch (const std::bad_alloc&) {
            return ENOMEM;
        }
    }
    int run(const std::function<int()>& code);
    void supervise(int listener);
    bool fails_next();
    void check(int error, std::initializer_list<int> also) const;

    Plan plan_;
    Record& record_;
    int calls_ = 0;
    std::atomic<bool> over_{false};
};

// In an attempt: ends it with a complaint.
void need(bool fine, const char* what);

// What to attempt: it runs code in the fault, and looks at what is left of it.
struct Operation {
    const char* name;
    std::function<void(CallFault&)> attempt;
};

// Attempts each operation with each of its system calls failing, each time in a child, until
// the code makes no more; with each of some errnos, and for the rest of the code too. Checks that
// no attempt complains by need(), crashes, hangs, or leaves a descriptor or a map of a region named
// "swept".
void sweep_calls(const std::vector<Operation>& operations);

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// Chooses the library's backend by its environment variable.
#pragma once

#include <cstdlib>
#include <string>

namespace test {

// Sets the library's backend as long as this lives.
class Backend {
public:
    explicit Backend(const char* name) {
        if (const char* before = std::getenv(variable)) before_ = before;
        setenv(variable, name, 1);
    }
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    ~Backend() {
        if (before_.empty())
            unsetenv(variable);
        else
            setenv(variable, before_.c_str(), 1);
    }

private:
    static constexpr auto variable = "LIBASHMEM_BACKEND";
    std::string before_;
};

} // namespace test

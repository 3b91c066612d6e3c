// SPDX-License-Identifier: Apache-2.0
// ashmem-costs-library: what the library's calls take beside raw ones. It prints a line for
// each: what it is, our nanoseconds, the raw calls', and how many times that is wanted at most,
// 0 if nothing is. With "calls", what it takes by itself, to be compared with another run's.
#include <exception>
#include <iostream>
#include <string_view>

#include "rows.hpp"

int main(int argc, char* argv[]) {
    try {
        if (argc == 2 && std::string_view(argv[1]) == "calls") {
            costs::library::ask_calls();
        } else {
            costs::library::ask_regions();
            costs::library::ask_bytes();
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "ashmem-costs-library: " << error.what() << '\n';
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
// Switches fault injection on, and sets this thread's fail-nth.
#include "support/faults.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "support/process.hpp"

namespace test {
namespace {

constexpr const char* kinds[] = {"failslab", "fail_page_alloc", "fail_usercopy"};

void set(const std::string& file, const char* text) {
    const long ret = write_file("/sys/kernel/debug/" + file, text);
    if (ret != 0) throw std::system_error(static_cast<int>(-ret), std::generic_category(), file);
}

// which stacks, by an address in them
void filter(const std::string& how, std::uint64_t first, std::uint64_t end) {
    const std::string start_file = "/" + how + "-start", end_file = "/" + how + "-end";
    for (const std::string kind : kinds) {
        set(kind + start_file, std::to_string(first).c_str());
        set(kind + end_file, std::to_string(end).c_str());
    }
}

struct Code {
    std::uint64_t first, end;
};

// of a function of the kernel's
Code code_of(const std::string& function) {
    std::istringstream symbols(read_file("/proc/kallsyms"));
    std::uint64_t first = 0, end = UINT64_MAX;
    std::vector<std::uint64_t> all;
    for (std::string line; std::getline(symbols, line);) {
        std::istringstream words(line);
        std::string address, type, name;
        words >> address >> type >> name;
        all.push_back(std::stoull(address, nullptr, 16));
        if (name == function) first = all.back();
    }
    for (const std::uint64_t address : all)
        if (address > first) end = std::min(end, address);
    if (first == 0) throw std::runtime_error("the kernel has no " + function);
    return {first, end};
}

} // namespace

void allow_faults() {
    set("failslab/ignore-gfp-wait", "N");
    set("fail_page_alloc/ignore-gfp-wait", "N");
    set("fail_page_alloc/ignore-gfp-highmem", "N");
    set("fail_page_alloc/min-order", "0");
    for (const std::string kind : kinds)
        set(kind + "/verbose", "0");
}

void allow_faults_below(std::uint64_t first, std::uint64_t end) {
    filter("require", first, end);
}

void allow_faults_below(const std::string& function) {
    const Code code = code_of(function);
    filter("require", code.first, code.end);
}

void forbid_faults_below(const std::string& function) {
    const Code code = code_of(function);
    filter("reject", code.first, code.end);
}

Fault::Fault(int point)
    : file_(::open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC)), point_(point) {
    if (file_ < 0) throw std::system_error(errno, std::generic_category(), "fail-nth");
}

void Fault::arm() const {
    char text[16];
    const int length = std::snprintf(text, sizeof(text), "%d", point_);
    if (::pwrite(file_, text, static_cast<std::size_t>(length), 0) != length)
        throw std::system_error(errno, std::generic_category(), "fail-nth");
}

void Fault::disarm() {
    // The read copies to user memory, which is one point more: if that fails, the call had
    // none left.
    char text[16] = {};
    const ssize_t length = ::pread(file_, text, sizeof(text) - 1, 0);
    hit_ = length > 0 && std::atoi(text) == 0;
    while (::pwrite(file_, "0", 1, 0) != 1) {
    }
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// Takes memory a step at a time in a child, which the kernel may kill.
#include "support/steps.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <numeric>
#include <sstream>
#include <system_error>

#include "support/process.hpp"

namespace test {

int touch(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return 1;
    // a huge page would be a step of its own size
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (std::size_t at = 0; at < bytes; at += page_size())
        static_cast<volatile char*>(memory)[at] = 1;
    return 0;
}

std::uint64_t Steps::total() const {
    return std::accumulate(purged.begin(), purged.end(), std::uint64_t{0});
}

std::uint64_t Steps::largest() const {
    return purged.empty() ? 0 : *std::max_element(purged.begin(), purged.end());
}

std::uint64_t Steps::median() const {
    std::vector<std::uint64_t> some;
    std::copy_if(purged.begin(), purged.end(), std::back_inserter(some),
                 [](std::uint64_t bytes) { return bytes > 0; });
    if (some.empty()) return 0;
    std::sort(some.begin(), some.end());
    return some[some.size() / 2];
}

std::string Steps::text() const {
    std::ostringstream out;
    out << purged.size() << " steps, ended " << ended << ", purged KiB:";
    for (const auto bytes : purged)
        if (bytes) out << ' ' << bytes / 1024;
    return out.str();
}

Steps take_in_steps(const Region& region, std::uint64_t enough, int most,
                    const std::function<void()>& prepare) {
    int ends[2];
    // what one pipe holds without a reader is thousands of steps
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    Steps steps;
    steps.ended = in_child([&] {
        prepare();
        write_file("/proc/self/oom_score_adj", "1000");
        std::uint64_t before = region.fdinfo_number("purged");
        const std::uint64_t end = before + enough;
        for (int step = 0; step < most && before < end; ++step) {
            if (touch(mib) != 0) return 1;
            const auto now = region.fdinfo_number("purged");
            const auto bytes = now - before;
            before = now;
            if (write(ends[1], &bytes, sizeof(bytes)) != sizeof(bytes)) return 2;
        }
        return 0;
    });
    close(ends[1]);
    for (std::uint64_t bytes = 0; read(ends[0], &bytes, sizeof(bytes)) == sizeof(bytes);)
        steps.purged.push_back(bytes);
    close(ends[0]);
    return steps;
}

} // namespace test

// SPDX-License-Identifier: Apache-2.0
// (f) read: pread of pages that are there. shmget's memory cannot be read.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "costs/memory.hpp"
#include "memories.hpp"
#include "questions.hpp"
#include "turns.hpp"

namespace bench {
namespace {

constexpr std::size_t size = std::size_t{1} << 20;

// memory of a kind with all its bytes written
std::shared_ptr<SharedMemory> filled(Kind kind) {
    auto memory = std::make_shared<SharedMemory>(kind, size);
    void* const bytes = memory->map();
    std::fill_n(static_cast<char*>(bytes), size, 'x');
    memory->unmap(bytes);
    return memory;
}

} // namespace

void ask_reads(Report& report) {
    static std::vector<char> buffer(size);
    std::vector<std::pair<const char*, std::shared_ptr<SharedMemory>>> memories;
    for (const Kind kind : file_kinds())
        memories.emplace_back(subject(kind), filled(kind));
    for (const std::size_t bytes : {std::size_t{4} << 10, std::size_t{64} << 10, size}) {
        const costs::Pace pace = {9, 5, static_cast<int>(std::size_t{2} * size / bytes)};
        std::vector<Subject> subjects;
        subjects.reserve(memories.size());
        for (const auto& [who, memory] : memories)
            subjects.push_back({who, paced(pace, [bytes, fd = memory->id()] {
                                    if (pread(fd, buffer.data(), bytes, 0) !=
                                        static_cast<ssize_t>(bytes))
                                        throw std::runtime_error("a read was short");
                                })});
        take_turns(report, {"f", "pread of bytes", clock_unit(), bytes}, pace.batches, subjects);
    }
}

} // namespace bench

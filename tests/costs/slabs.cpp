// SPDX-License-Identifier: Apache-2.0
// What an object of each slab takes; the kernel must run with slab_nomerge.
#include <fstream>
#include <sstream>

#include "report.hpp"

namespace costs {
namespace {

// bytes, nothing if there is no such slab
std::optional<double> object_size(const std::string& name) {
    std::ifstream file("/proc/slabinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string slab, active, all;
        double size = 0;
        if (words >> slab >> active >> all >> size && slab == name) return size;
    }
    return std::nullopt;
}

// by the name that it has in this driver, or in the original
void ask(Report& report, const char* key, const char* what, const std::string& name,
         const std::string& original) {
    const auto ours = object_size(name);
    report.add({key, what, ours ? ours : object_size(original), std::nullopt, "bytes"});
}

} // namespace

void ask_slabs(Report& report) {
    ask(report, "size_region", "bytes of a region", "ashmem_region", "ashmem_area_cache");
    ask(report, "size_range", "bytes of a range", "ashmem_range", "ashmem_range_cache");
}

} // namespace costs

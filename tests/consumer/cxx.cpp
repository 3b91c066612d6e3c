// SPDX-License-Identifier: Apache-2.0
// A C++ program as its author would write it.
#include <ashmem/ashmem.hpp>

int main() {
    auto [ours, theirs] = ashmem::Channel::pair();
    std::vector<ashmem::Region> regions;
    regions.push_back(ashmem::Region::create("consumer", 4096));
    ours.send({}, regions);
    auto message = theirs.receive();
    ashmem::MemoryFile file(message.regions.at(0).release());
    return file.length() == 4096 ? 0 : 1;
}

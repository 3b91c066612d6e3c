// SPDX-License-Identifier: Apache-2.0
// Makes the given disk, or compressed memory, the guest's swap space.
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/swap.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "guest.hpp"

namespace vm {
namespace {

// The kernel's swap header: its fields follow 1024 bytes left to boot loaders,
// and the signature ends the first page.
constexpr size_t fields_offset = 1024;
constexpr char signature[] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};

std::vector<char> swap_header(size_t page_size, uint64_t pages) {
    std::vector<char> page(page_size);
    const uint32_t version_and_last_page[] = {1, static_cast<uint32_t>(pages - 1)};
    std::memcpy(&page[fields_offset], version_and_last_page, sizeof(version_and_last_page));
    std::memcpy(&page[page_size - sizeof(signature)], signature, sizeof(signature));
    return page;
}

// The disk appears some time after its driver was loaded.
Fd wait_for_disk(const std::string& device) {
    constexpr int tries = 500;
    for (int i = 0; i < tries; ++i) {
        Fd fd{device.c_str(), O_RDWR};
        if (fd) return fd;
        ::usleep(10'000);
    }
    return {};
}

} // namespace

std::string start_swap(const std::string& device) {
    const Fd disk = wait_for_disk(device);
    if (!disk) return "swap: no disk " + device;
    uint64_t bytes = 0;
    if (::ioctl(disk.get(), BLKGETSIZE64, &bytes) != 0) return errno_text("swap: size of disk");
    const auto page_size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const std::vector<char> header = swap_header(page_size, bytes / page_size);
    if (!disk.write_all({header.data(), header.size()})) return errno_text("swap: header");
    ::fsync(disk.get());
    if (::swapon(device.c_str(), 0) != 0) return errno_text("swapon");
    return {};
}

std::string start_zram(const std::string& mebibytes) {
    constexpr const char* size = "/sys/block/zram0/disksize";
    if (!write_file(size, mebibytes + "M")) return errno_text("zram: size");
    return start_swap("/dev/zram0");
}

} // namespace vm
